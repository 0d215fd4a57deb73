package io.hyperstream.app.http.access;

import io.hyperstream.app.config.HttpSettings;
import io.hyperstream.app.config.HttpSettings.Access;
import io.micronaut.context.env.Environment;
import jakarta.inject.Singleton;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Who may use the API, as configured. Immutable. */
@Singleton
public final class AccessPolicy {
  private static final String TOKENS = "micronaut.security.token.jwt";

  private final HttpSettings settings;
  private final boolean believesAnyToken;
  private final List<ApiKey> keys;

  AccessPolicy(HttpSettings settings, Environment environment) {
    this.settings = settings;
    believesAnyToken =
        environment.getProperty(TOKENS + ".enabled", Boolean.class, false)
            && !environment.containsProperties(TOKENS + ".signatures");
    keys = settings.apiKeys().stream().map(ApiKey::parse).toList();
    Set<String> names = new HashSet<>();
    for (ApiKey key : keys) {
      if (!names.add(key.name())) {
        throw new IllegalArgumentException(
            "hyperstream.http.api-keys has two keys of '" + key.name() + "'; give each a name");
      }
    }
  }

  /**
   * Refuses to put an API without keys where others can reach it, and to believe anybody's tokens.
   *
   * @throws IllegalStateException saying what to configure
   */
  public void requireSafe() {
    if (believesAnyToken) {
      throw new IllegalStateException(
          TOKENS
              + " is enabled without signatures, so that unsigned tokens would be believed;"
              + " configure "
              + TOKENS
              + ".signatures");
    }
    if (settings.access() == Access.AUTO && keys.isEmpty() && !settings.onLoopback()) {
      throw new IllegalStateException(
          "hyperstream.http.host is "
              + settings.host()
              + ", which others can reach, and no key is configured. Configure"
              + " hyperstream.http.api-keys (`hyperstream api-key` makes one), or set"
              + " hyperstream.http.access (HYPERSTREAM_HTTP_ACCESS): closed for health and metrics"
              + " only, authenticated for tokens of another issuer, open where everyone who reaches"
              + " the port may do everything");
    }
  }

  /** Whether there are an API and a dashboard at all. */
  public boolean isOffered() {
    return settings.access() != Access.CLOSED;
  }

  /** Whether callers must say who they are. */
  public boolean isAuthenticated() {
    return switch (settings.access()) {
      case AUTO -> !keys.isEmpty();
      case AUTHENTICATED -> true;
      case OPEN, CLOSED -> false;
    };
  }

  /** The key that was presented, if it is one of ours. */
  Optional<ApiKey> find(String presented) {
    byte[] hash = ApiKey.sha256(presented);
    ApiKey found = null;
    for (ApiKey key : keys) {
      if (key.matches(hash)) { // no early end: the time says nothing about the place
        found = key;
      }
    }
    return Optional.ofNullable(found);
  }
}
