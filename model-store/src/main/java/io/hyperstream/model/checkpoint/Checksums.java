package io.hyperstream.model.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** SHA-256 of files, and paths that may be trusted. */
public final class Checksums {
  private static final int MAX_PATH = 512;

  private Checksums() {}

  /** A fresh SHA-256 digest. */
  public static MessageDigest sha256() {
    return digest("SHA-256");
  }

  /** A fresh digest of a name every Java platform must have. */
  public static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(algorithm + " is part of every Java platform", e);
    }
  }

  /** Lower-case hexadecimal SHA-256 of a file. */
  public static String sha256(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return copy(in, OutputStream.nullOutputStream());
    }
  }

  /** Lower-case hexadecimal SHA-256 of a text's UTF-8 bytes. */
  public static String sha256(String text) {
    return HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** Copies a stream and returns its SHA-256. */
  public static String copy(InputStream in, OutputStream out) throws IOException {
    MessageDigest digest = sha256();
    byte[] buffer = new byte[1 << 16];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      digest.update(buffer, 0, n);
      out.write(buffer, 0, n);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /**
   * Reads the format of {@code sha256sum}: a checksum, two spaces, a path per line.
   *
   * @return path to checksum, in the file's order
   */
  public static Map<String, String> parseSums(List<String> lines, String where) throws IOException {
    Map<String, String> sums = new LinkedHashMap<>();
    for (String line : lines) {
      if (line.isBlank()) {
        continue;
      }
      String[] parts = line.split(" [ *]", 2);
      if (parts.length != 2 || !parts[0].matches("[0-9a-fA-F]{64}")) {
        throw new IOException(where + ": expected 'SHA-256  path', got '" + line + "'");
      }
      sums.put(safePath(parts[1], where), parts[0].toLowerCase(Locale.ROOT));
    }
    return sums;
  }

  /**
   * A relative path of plain names separated by {@code /}. Anything that could leave its folder is
   * refused: manifests and index files come from elsewhere.
   *
   * @param where who names the path, for the message
   */
  public static String safePath(String path, String where) throws IOException {
    boolean plain = !path.isEmpty() && path.length() <= MAX_PATH;
    for (String name : path.split("/", -1)) {
      plain &= name.matches("[A-Za-z0-9_-][A-Za-z0-9._-]*");
    }
    if (!plain) {
      throw new IOException(
          where
              + " names the file '"
              + path
              + "'; expected a relative path of letters, digits, . _ - inside the model's folder");
    }
    return path;
  }
}
