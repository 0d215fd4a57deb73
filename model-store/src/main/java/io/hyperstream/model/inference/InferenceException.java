package io.hyperstream.model.inference;

/** A record the model can never answer: permanent, with a code and a sentence to act on. */
public final class InferenceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why; the names are the dead letters' codes. */
  public enum Code {
    EMPTY_TEXT,
    TEXT_TOO_LONG,
    MISSING_TEXT_PAIR,
    INVALID_TASK,
    MODEL_ERROR
  }

  private final Code code;

  public InferenceException(Code code, String message) {
    super(message);
    this.code = code;
  }

  public Code code() {
    return code;
  }
}
