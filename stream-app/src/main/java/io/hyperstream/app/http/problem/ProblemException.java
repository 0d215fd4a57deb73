package io.hyperstream.app.http.problem;

import io.hyperstream.app.http.problem.Problem.FieldError;
import io.micronaut.http.HttpStatus;
import java.util.List;

/** Ends a call with a problem. */
public final class ProblemException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final HttpStatus status;
  private final transient List<FieldError> errors;

  /**
   * @param detail a sentence to act on
   */
  public ProblemException(HttpStatus status, String detail) {
    this(status, detail, List.of());
  }

  public ProblemException(HttpStatus status, String detail, List<FieldError> errors) {
    super(detail);
    this.status = status;
    this.errors = List.copyOf(errors);
  }

  /** One field was wrong. */
  public static ProblemException field(String field, String message) {
    return new ProblemException(
        HttpStatus.BAD_REQUEST, field + ": " + message, List.of(new FieldError(field, message)));
  }

  /** The body is not what it should be. */
  public static ProblemException body(String reason) {
    return new ProblemException(HttpStatus.BAD_REQUEST, "the body: " + reason);
  }

  /** Something this process needs is not there now. */
  public static ProblemException notNow(String detail) {
    return new ProblemException(HttpStatus.SERVICE_UNAVAILABLE, detail);
  }

  public HttpStatus status() {
    return status;
  }

  public List<FieldError> errors() {
    return errors == null ? List.of() : errors;
  }
}
