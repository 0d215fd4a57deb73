package io.hyperstream.app.inference;

/** Something outside the record is down (registry, device, shutdown under way): try again later. */
final class NotNowException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NotNowException(String message, Throwable cause) {
    super(message, cause);
  }
}
