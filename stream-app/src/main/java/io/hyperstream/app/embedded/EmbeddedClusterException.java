package io.hyperstream.app.embedded;

/** Embedded mode could not start; the message says what a person can do about it. */
public final class EmbeddedClusterException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  EmbeddedClusterException(String message) {
    super(message);
  }

  EmbeddedClusterException(String message, Throwable cause) {
    super(message, cause);
  }
}
