package io.hyperstream.schemas;

/**
 * The schema registry did not answer, or not as it should: nothing is known about the record, so
 * retry with back-off and never give the record up for it.
 */
public final class RegistryUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RegistryUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
