package io.hyperstream.model.store;

import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * How an S3-compatible store is reached. What is left out is found where AWS's tools look for it:
 * environment, system properties, {@code ~/.aws}, the container's or machine's own role.
 *
 * @param endpoint of a service that is not Amazon's
 * @param region of the bucket
 * @param keys to sign with
 * @param pathStyle whether the bucket stands in the path, not in the host's name; by default so
 *     with an endpoint
 * @param cache folder on this machine for what was loaded; stores keep apart in it
 * @param cacheBytes at most that much of a store is kept there
 * @param attempts at each request before it fails, with growing pauses between them
 */
public record S3Options(
    Optional<URI> endpoint,
    Optional<String> region,
    Optional<Keys> keys,
    Optional<Boolean> pathStyle,
    Path cache,
    long cacheBytes,
    int attempts) {
  /** Space of the cache unless told otherwise. */
  public static final long DEFAULT_CACHE_BYTES = 20L << 30;

  /** About half a minute of trying. */
  public static final int DEFAULT_ATTEMPTS = 10;

  private static final int MAX_ATTEMPTS = 100;

  /**
   * An access key.
   *
   * @param id its name, no secret
   * @param secret what signs
   * @param sessionToken of temporary keys
   */
  public record Keys(String id, String secret, Optional<String> sessionToken) {
    @Override
    public String toString() {
      return "key " + id; // records end up in logs
    }
  }

  public S3Options {
    if (cacheBytes < 1) {
      throw new IllegalArgumentException("the cache has at least one byte; got " + cacheBytes);
    }
    if (attempts < 1 || attempts > MAX_ATTEMPTS) {
      throw new IllegalArgumentException("1 to " + MAX_ATTEMPTS + " attempts; got " + attempts);
    }
    endpoint.ifPresent(S3Options::requireHttp);
  }

  private static void requireHttp(URI endpoint) {
    boolean http = "http".equals(endpoint.getScheme()) || "https".equals(endpoint.getScheme());
    if (!http || endpoint.getHost() == null || endpoint.getUserInfo() != null) {
      throw new IllegalArgumentException(
          "S3's endpoint is like https://s3.example.com:9000, without credentials");
    }
  }

  /** The same with another number of attempts. */
  S3Options withAttempts(int other) {
    return new S3Options(endpoint, region, keys, pathStyle, cache, cacheBytes, other);
  }

  /** Everything by default, with a cache in the user's home. */
  public static S3Options defaults() {
    return new S3Options(
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Path.of(System.getProperty("user.home"), ".hyperstream", "model-cache"),
        DEFAULT_CACHE_BYTES,
        DEFAULT_ATTEMPTS);
  }

  /**
   * The defaults with what {@code HYPERSTREAM_MODEL_S3_*} says: the same variables that set {@code
   * hyperstream.model.s3.*} of the application.
   *
   * @throws IllegalArgumentException naming the variable that makes no sense
   */
  public static S3Options from(Map<String, String> environment) {
    S3Options defaults = defaults();
    Variables variables = new Variables(environment);
    return new S3Options(
        variables.text("ENDPOINT").map(URI::create),
        variables.text("REGION"),
        keys(
            variables.text("ACCESS_KEY_ID"),
            variables.text("SECRET_ACCESS_KEY"),
            variables.text("SESSION_TOKEN")),
        variables.text("PATH_STYLE").map(Boolean::valueOf),
        variables.text("CACHE_DIR").map(Path::of).orElse(defaults.cache()),
        variables.text("CACHE_MEGABYTES").isPresent()
            ? variables.number("CACHE_MEGABYTES") << 20
            : defaults.cacheBytes(),
        variables.text("ATTEMPTS").isPresent()
            ? (int) Math.min(variables.number("ATTEMPTS"), Integer.MAX_VALUE)
            : defaults.attempts());
  }

  /**
   * Keys if both parts are there.
   *
   * @throws IllegalArgumentException if only one of them is
   */
  public static Optional<Keys> keys(
      Optional<String> id, Optional<String> secret, Optional<String> sessionToken) {
    if (id.isPresent() != secret.isPresent()) {
      throw new IllegalArgumentException(
          "S3's access-key-id and secret-access-key go together; only one of them is set");
    }
    return id.map(value -> new Keys(value, secret.orElseThrow(), sessionToken));
  }

  private record Variables(Map<String, String> environment) {
    private static final String PREFIX = "HYPERSTREAM_MODEL_S3_";

    Optional<String> text(String name) {
      return Optional.ofNullable(environment.get(PREFIX + name)).filter(text -> !text.isBlank());
    }

    long number(String name) {
      String text = text(name).orElseThrow();
      if (!text.matches("[1-9][0-9]{0,8}")) {
        throw new IllegalArgumentException(
            PREFIX + name + " is a whole number from 1 on; got '" + text + "'");
      }
      return Long.parseLong(text);
    }
  }
}
