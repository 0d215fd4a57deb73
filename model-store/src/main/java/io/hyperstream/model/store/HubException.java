package io.hyperstream.model.store;

import java.io.IOException;

/** A hub's refusal, or an answer that cannot be used. */
final class HubException extends IOException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final boolean worthRetrying;

  HubException(int status, boolean worthRetrying, String message) {
    super(message);
    this.status = status;
    this.worthRetrying = worthRetrying;
  }

  /** An answer that another attempt would not change. */
  static HubException permanent(String message) {
    return new HubException(0, false, message);
  }

  boolean notFound() {
    return status == 404;
  }

  boolean worthRetrying() {
    return worthRetrying;
  }
}
