package io.hyperstream.app.http.access;

import io.hyperstream.app.http.problem.Problem;
import io.hyperstream.app.http.problem.Problems;
import io.micronaut.context.annotation.Replaces;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.server.exceptions.ExceptionHandler;
import io.micronaut.security.authentication.AuthorizationException;
import io.micronaut.security.authentication.DefaultAuthorizationExceptionHandler;
import jakarta.inject.Singleton;

/** 401 for those nobody knows, 403 for those who may not. */
@Singleton
@Replaces(DefaultAuthorizationExceptionHandler.class)
final class Refusals
    implements ExceptionHandler<AuthorizationException, MutableHttpResponse<Problem>> {

  @Override
  public MutableHttpResponse<Problem> handle(
      @SuppressWarnings("rawtypes") HttpRequest request, AuthorizationException refusal) {
    if (refusal.isForbidden()) {
      return Problems.response(
          request,
          HttpStatus.FORBIDDEN,
          "your key's role does not allow this; GET /api/session shows what it allows");
    }
    return Problems.response(
            request,
            HttpStatus.UNAUTHORIZED,
            "send a key that is configured here, as Authorization: Bearer KEY or X-API-Key: KEY")
        .header(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
  }
}
