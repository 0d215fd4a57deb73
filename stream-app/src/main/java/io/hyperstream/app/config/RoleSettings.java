package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * {@code hyperstream.roles}: what this process does.
 *
 * @param roles {@code inference}, {@code adaptation} or both
 */
@ConfigurationProperties("hyperstream")
public record RoleSettings(Set<String> roles) {
  /** The property's name. */
  public static final String KEY = "hyperstream.roles";

  private static final String INFERENCE = "inference";
  private static final Set<String> ALL = Set.of(INFERENCE, "adaptation");

  public RoleSettings {
    Set<String> named = roles == null ? Set.of() : roles;
    roles = named.stream().map(r -> r.strip().toLowerCase(Locale.ROOT)).collect(Collectors.toSet());
    if (roles.isEmpty() || !ALL.containsAll(roles)) {
      throw new IllegalArgumentException(
          KEY + " should be inference, adaptation or both, with a comma; got " + named);
    }
  }

  /** Whether it answers requests. */
  public boolean infers() {
    return roles.contains(INFERENCE);
  }
}
