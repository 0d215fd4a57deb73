package io.hyperstream.app.http.access;

import io.micronaut.core.async.publisher.Publishers;
import io.micronaut.http.HttpRequest;
import io.micronaut.security.authentication.Authentication;
import io.micronaut.security.filters.AuthenticationFetcher;
import jakarta.inject.Singleton;
import org.reactivestreams.Publisher;

/** Where nobody has to say who they are, everybody may do everything. */
@Singleton
final class OpenAccess implements AuthenticationFetcher<HttpRequest<?>> {
  /** The name of whoever calls. */
  static final String ANYBODY = "anybody";

  private final AccessPolicy policy;

  OpenAccess(AccessPolicy policy) {
    this.policy = policy;
  }

  @Override
  public Publisher<Authentication> fetchAuthentication(HttpRequest<?> request) {
    return policy.isAuthenticated()
        ? Publishers.empty()
        : Publishers.just(Authentication.build(ANYBODY, Role.ADMIN.included()));
  }

  /** After those that know the caller's name. */
  @Override
  public int getOrder() {
    return LOWEST_PRECEDENCE;
  }
}
