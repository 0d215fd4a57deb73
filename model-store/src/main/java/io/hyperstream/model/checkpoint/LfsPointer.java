package io.hyperstream.model.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** What Git leaves in the place of a large file that Git LFS has not fetched. */
final class LfsPointer {
  private static final byte[] START =
      "version https://git-lfs.github.com/spec/v1".getBytes(StandardCharsets.US_ASCII);

  /** A pointer is no longer than this, by its specification. */
  private static final long MAX_BYTES = 1024;

  private LfsPointer() {}

  /**
   * Does nothing if the file is there in person.
   *
   * @throws IOException if it is a pointer, or cannot be read
   */
  static void refuse(Path file) throws IOException {
    long bytes = Files.size(file);
    if (bytes < START.length || bytes > MAX_BYTES) {
      return;
    }
    try (InputStream in = Files.newInputStream(file)) {
      if (Arrays.equals(in.readNBytes(START.length), START)) {
        throw new IOException(
            "%s is a Git LFS pointer of %d bytes, not the file itself: run git lfs pull where it was cloned, and import again"
                .formatted(file, bytes));
      }
    }
  }
}
