package io.hyperstream.model.store;

import java.io.IOException;

/** A refusal of S3's, or none of its answers, in words to act on. */
final class S3StoreException extends IOException {
  private static final long serialVersionUID = 1L;

  private final boolean outage;

  S3StoreException(String message, boolean outage, Throwable cause) {
    super(message, cause);
    this.outage = outage;
  }

  /** Whether it did not answer: what it would say is not known, and later it may. */
  boolean isOutage() {
    return outage;
  }
}
