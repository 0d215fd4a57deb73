package io.hyperstream.app.http.access;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What a caller may do; each may do what those before it may. */
public enum Role {
  READ,
  PREDICT,
  TEACH,
  ADMIN;

  /** Names of the roles that may call what needs {@link #READ}, for {@code @Secured}. */
  public static final String READ_NAME = "read";

  public static final String PREDICT_NAME = "predict";
  public static final String TEACH_NAME = "teach";
  public static final String ADMIN_NAME = "admin";

  /** As it is written in configurations and tokens. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Optional<Role> of(String id) {
    return Arrays.stream(values()).filter(role -> role.id().equals(id)).findFirst();
  }

  /** The names of this role and of those it includes, the smallest first. */
  public List<String> included() {
    return Arrays.stream(values()).filter(role -> role.compareTo(this) <= 0).map(Role::id).toList();
  }
}
