package io.hyperstream.app.http;

import io.hyperstream.app.http.access.AccessPolicy;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.security.annotation.Secured;
import io.micronaut.security.authentication.Authentication;
import io.micronaut.security.rules.SecurityRule;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.Collection;
import java.util.List;

/** Who the caller is, so that a page knows what to offer. */
@Controller("/api/session")
@Tag(name = "session")
class SessionController {
  private final AccessPolicy policy;

  SessionController(AccessPolicy policy) {
    this.policy = policy;
  }

  /**
   * The caller.
   *
   * @param name null: nobody known
   * @param roles what they may do: read, predict, teach, admin
   * @param authenticated whether they said who they are, and were believed
   * @param required whether one must
   */
  @Serdeable
  record Session(
      @Nullable String name, Collection<String> roles, boolean authenticated, boolean required) {}

  /** Who the caller is and what they may do. Open to everybody. */
  @Get
  @Secured(SecurityRule.IS_ANONYMOUS)
  Session session(@Nullable Authentication caller) {
    boolean required = policy.isAuthenticated();
    return caller == null
        ? new Session(null, List.of(), false, required)
        : new Session(caller.getName(), caller.getRoles(), required, required);
  }
}
