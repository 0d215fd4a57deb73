package io.hyperstream.app.inference;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Weights that came inside an adapter version, on disk rather than in the heap. A cache: the topic
 * has them, so the folder may be deleted between runs. Global stream thread only.
 */
final class AdapterFiles {
  private final Path folder;

  AdapterFiles(Path folder) {
    this.folder = folder;
  }

  /**
   * Writes the weights where the model can map them; the file appears whole or not at all.
   *
   * @param weights safetensors; consumed
   * @throws IllegalArgumentException if they do not have the hash they should
   */
  Path write(ByteBuffer weights, Optional<String> expectedSha256) throws IOException {
    String sha256 = sha256(weights);
    if (expectedSha256.isPresent() && !expectedSha256.get().equalsIgnoreCase(sha256)) {
      throw new IllegalArgumentException(
          "the weights have SHA-256 " + sha256 + ", the version says " + expectedSha256.get());
    }
    Path file = folder.resolve(sha256 + ".safetensors");
    if (Files.exists(file) && Files.size(file) == weights.remaining()) {
      return file;
    }
    Files.createDirectories(folder);
    Path aside = Files.createTempFile(folder, "adapter", ".tmp");
    try (FileChannel channel = FileChannel.open(aside, StandardOpenOption.WRITE)) {
      while (weights.hasRemaining()) {
        channel.write(weights);
      }
      channel.force(true);
    }
    Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return file;
  }

  private static String sha256(ByteBuffer bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(bytes.duplicate());
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
