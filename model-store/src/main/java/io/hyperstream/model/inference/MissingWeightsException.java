package io.hyperstream.model.inference;

import java.nio.file.Path;

/**
 * A file of adapter weights is not where it was: somebody removed it. Nothing is wrong with the
 * rows; once the file is back they can be answered.
 */
public final class MissingWeightsException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final transient Path file;

  public MissingWeightsException(Path file, Throwable cause) {
    super("no file " + file, cause);
    this.file = file;
  }

  /** The file. */
  public Path file() {
    return file;
  }
}
