package io.hyperstream.app.adaptation;

import io.hyperstream.app.streams.ErrorCode;

/** A record that can never be right; the message is for the person who sent it. */
final class InvalidInputException extends Exception {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;

  InvalidInputException(ErrorCode code, String message) {
    super(message);
    this.code = code;
  }

  ErrorCode code() {
    return code;
  }
}
