package io.hyperstream.app.http.problem;

import io.hyperstream.app.streams.Sentences;
import io.micronaut.context.annotation.Primary;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.server.exceptions.response.ErrorContext;
import io.micronaut.http.server.exceptions.response.ErrorResponseProcessor;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Optional;

/** Whatever Micronaut finds wrong with a request, as a problem. */
@Singleton
@Primary
final class ErrorResponses implements ErrorResponseProcessor<Problem> {

  @Override
  public MutableHttpResponse<Problem> processResponse(
      ErrorContext context, MutableHttpResponse<?> response) {
    HttpStatus status = response.status();
    if (status.getCode() >= 500) {
      // What is in there was not written for callers.
      return Problems.fill(
          context.getRequest(), response, "something failed here; the log says what", List.of());
    }
    String detail =
        context.getErrors().stream()
            .map(error -> readable(status, error.getMessage()))
            .findFirst()
            .orElse(status.getReason());
    return Problems.fill(context.getRequest(), response, detail, List.of());
  }

  private static String readable(HttpStatus status, String message) {
    return switch (status) {
      case NOT_FOUND -> "there is nothing at this path; /api/docs shows what there is";
      case REQUEST_ENTITY_TOO_LARGE ->
          Optional.ofNullable(message).orElse("the body is too large")
              + "; the limit is hyperstream.http.max-body-bytes";
      default -> Sentences.of(Optional.ofNullable(message).orElse(status.getReason()));
    };
  }
}
