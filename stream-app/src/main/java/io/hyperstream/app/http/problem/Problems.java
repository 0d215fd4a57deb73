package io.hyperstream.app.http.problem;

import io.hyperstream.app.http.problem.Problem.FieldError;
import io.hyperstream.app.streams.Sentences;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MutableHttpResponse;
import java.util.List;

/** Makes responses of problems. */
public final class Problems {
  private Problems() {}

  public static MutableHttpResponse<Problem> response(
      HttpRequest<?> request, HttpStatus status, String detail) {
    return response(request, status, detail, List.of());
  }

  public static MutableHttpResponse<Problem> response(
      HttpRequest<?> request, HttpStatus status, String detail, List<FieldError> errors) {
    return fill(request, HttpResponse.status(status), detail, errors);
  }

  static MutableHttpResponse<Problem> fill(
      HttpRequest<?> request,
      MutableHttpResponse<?> response,
      String detail,
      List<FieldError> errors) {
    HttpStatus status = response.status();
    if (status == HttpStatus.SERVICE_UNAVAILABLE || status == HttpStatus.TOO_MANY_REQUESTS) {
      response.header("Retry-After", "1");
    }
    return response
        .body(
            new Problem(
                "about:blank",
                status.getReason(),
                status.getCode(),
                Sentences.of(detail),
                request.getPath(),
                errors.isEmpty() ? null : errors.stream().map(Problems::readable).toList()))
        .contentType(Problem.MEDIA_TYPE);
  }

  private static FieldError readable(FieldError error) {
    return new FieldError(error.field(), Sentences.of(error.message()));
  }
}
