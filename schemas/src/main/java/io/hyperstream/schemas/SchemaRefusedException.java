package io.hyperstream.schemas;

/** The registry answered and refused: a person has to act; the message says how. */
public final class SchemaRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SchemaRefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
