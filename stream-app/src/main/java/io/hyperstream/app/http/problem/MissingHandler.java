package io.hyperstream.app.http.problem;

import io.micronaut.context.annotation.Replaces;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.server.exceptions.ExceptionHandler;
import io.micronaut.http.server.exceptions.UnsatisfiedRouteHandler;
import io.micronaut.web.router.exceptions.UnsatisfiedRouteException;
import jakarta.inject.Singleton;

/** A body or a parameter that is not there. */
@Singleton
@Replaces(UnsatisfiedRouteHandler.class)
final class MissingHandler
    implements ExceptionHandler<UnsatisfiedRouteException, MutableHttpResponse<Problem>> {

  @Override
  public MutableHttpResponse<Problem> handle(
      @SuppressWarnings("rawtypes") HttpRequest request, UnsatisfiedRouteException missing) {
    ProblemException problem =
        missing.getArgument().isAnnotationPresent(Body.class)
            ? ProblemException.body(Expectation.sentence(Object.class, "nothing"))
            : ProblemException.field(missing.getArgument().getName(), "it is missing");
    return Problems.response(request, problem.status(), problem.getMessage(), problem.errors());
  }
}
