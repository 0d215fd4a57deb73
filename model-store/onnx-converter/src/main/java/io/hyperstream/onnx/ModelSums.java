package io.hyperstream.onnx;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * {@code SHA256SUMS} of a model's folder, in the format of {@code sha256sum}: every file but itself
 * and the card.
 */
final class ModelSums {
  private static final String FILE = "SHA256SUMS";
  private static final Set<String> NOT_LISTED = Set.of(FILE, "README.md");

  private final Path folder;
  private final Map<String, String> sums;

  private ModelSums(Path folder, Map<String, String> sums) {
    this.folder = folder;
    this.sums = sums;
  }

  /** Those of a folder; none if it has no such file. */
  static ModelSums read(Path folder) throws IOException {
    Map<String, String> sums = new TreeMap<>();
    Path file = folder.resolve(FILE);
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file)) {
        if (!line.matches("[0-9a-f]{64}  \\S+")) {
          throw new IOException(file + ": expected 'SHA-256  path', got '" + line + "'");
        }
        sums.put(line.substring(66), line.substring(0, 64));
      }
    }
    return new ModelSums(folder, sums);
  }

  /** Whether there are any to hold the folder against. */
  boolean isEmpty() {
    return sums.isEmpty();
  }

  /** Whether a file is there already, byte for byte. */
  boolean has(Path file) throws IOException {
    String sum = sums.get(relative(file));
    return sum != null && Files.isRegularFile(file) && sha256(file).equals(sum);
  }

  /** Checks that the folder holds exactly these files. */
  void verify() throws IOException {
    Set<String> found = files();
    for (Map.Entry<String, String> sum : sums.entrySet()) {
      Path file = folder.resolve(sum.getKey());
      if (!found.remove(sum.getKey())) {
        throw new IOException(file + " is missing; " + FILE + " names it");
      }
      String actual = sha256(file);
      if (!actual.equals(sum.getValue())) {
        throw new IOException(
            "%s has SHA-256 %s, %s says %s: if it was meant to change, say so there"
                .formatted(file, actual, FILE, sum.getValue()));
      }
    }
    if (!found.isEmpty()) {
      throw new IOException(folder + " holds " + found + ", which " + FILE + " does not name");
    }
  }

  /** What {@code SHA256SUMS} of the folder as it is would say. */
  String describe() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (String path : files()) {
      lines.append(sha256(folder.resolve(path))).append("  ").append(path).append('\n');
    }
    return lines.toString();
  }

  private Set<String> files() throws IOException {
    Set<String> files = new TreeSet<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      walk.filter(Files::isRegularFile).map(this::relative).forEach(files::add);
    }
    files.removeAll(NOT_LISTED);
    return files;
  }

  private String relative(Path file) {
    return folder.relativize(file).toString().replace('\\', '/');
  }

  private static String sha256(Path file) throws IOException {
    return sha256(Files.readAllBytes(file));
  }

  /** Lower-case hexadecimal. */
  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256 is part of every Java platform", e);
    }
  }
}
