package io.hyperstream.app.http.access;

import io.micronaut.core.async.publisher.Publishers;
import io.micronaut.http.HttpRequest;
import io.micronaut.security.authentication.Authentication;
import io.micronaut.security.token.validator.TokenValidator;
import jakarta.inject.Singleton;
import org.reactivestreams.Publisher;

/** Knows the configured keys among the tokens that requests bring. */
@Singleton
final class ApiKeyValidator implements TokenValidator<HttpRequest<?>> {
  private final AccessPolicy policy;

  ApiKeyValidator(AccessPolicy policy) {
    this.policy = policy;
  }

  @Override
  public Publisher<Authentication> validateToken(String token, HttpRequest<?> request) {
    return policy
        .find(token)
        .map(key -> Publishers.just(Authentication.build(key.name(), key.role().included())))
        .orElseGet(Publishers::empty);
  }
}
