package io.hyperstream.model.checkpoint;

/** A file of a model is damaged, lies about its contents, or is not what was asked for. */
public final class CheckpointException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CheckpointException(String message) {
    super(message);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
