package io.hyperstream.app.http.problem;

import io.micronaut.http.HttpRequest;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.server.exceptions.ExceptionHandler;
import jakarta.inject.Singleton;

/** Problems of our own. */
@Singleton
final class ProblemHandler
    implements ExceptionHandler<ProblemException, MutableHttpResponse<Problem>> {

  @Override
  public MutableHttpResponse<Problem> handle(
      @SuppressWarnings("rawtypes") HttpRequest request, ProblemException problem) {
    return Problems.response(request, problem.status(), problem.getMessage(), problem.errors());
  }
}
