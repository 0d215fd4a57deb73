package io.hyperstream.schemas;

/** Bytes that are no record of the expected type and never will be: permanent, do not retry. */
public final class UndecodableRecordException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UndecodableRecordException(String message) {
    super(message);
  }

  UndecodableRecordException(String message, Throwable cause) {
    super(message, cause);
  }
}
