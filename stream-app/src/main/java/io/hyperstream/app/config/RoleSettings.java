package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import jakarta.validation.constraints.NotEmpty;
import java.util.Set;

/**
 * {@code hyperstream.roles}: what this process does.
 *
 * @param roles at least one
 */
@ConfigurationProperties("hyperstream")
public record RoleSettings(@NotEmpty Set<Role> roles) {
  /** The property's name. */
  public static final String KEY = "hyperstream.roles";

  /** Before a role's name: the property's value names it, perhaps among others. */
  public static final String ANY_OF_THEM = "(?i)(.*[,\\s])?";

  /** What a process can do. */
  public enum Role {
    /** Answers requests. */
    INFERENCE,
    /** Makes better versions of tasks from labelled examples. */
    ADAPTATION
  }
}
