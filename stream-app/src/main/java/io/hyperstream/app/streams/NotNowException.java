package io.hyperstream.app.streams;

/** Something outside the record is down (registry, device, shutdown under way): try again later. */
public final class NotNowException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public NotNowException(String message, Throwable cause) {
    super(message, cause);
  }
}
