package io.hyperstream.app.http.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;

/**
 * A key by its hash: the key itself is known to its owner only.
 *
 * @param name whose it is, for people
 * @param role what it allows
 * @param sha256 of the key in UTF-8; not copied
 */
public record ApiKey(String name, Role role, byte[] sha256) {
  /** Long enough that nobody guesses it; keys of {@link #generate} have 47. */
  static final int SHORTEST = 20;

  private static final int RANDOM_BYTES = 32;
  private static final String PREFIX = "hsk_";
  private static final String HASH = "sha256:";

  /**
   * A key as the configuration has it.
   *
   * @throws IllegalArgumentException saying what is wrong, without the key
   */
  static ApiKey parse(String entry) {
    String[] parts = entry.split(":", 3);
    if (parts.length < 3 || !parts[0].matches("[A-Za-z0-9._@-]{1,64}")) {
      throw new IllegalArgumentException(
          "an entry of hyperstream.http.api-keys is NAME:ROLE:sha256:HASH, with a name of 1 to 64"
              + " characters of A-Z a-z 0-9 . _ @ -; `hyperstream api-key` makes one");
    }
    Role role =
        Role.of(parts[1])
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "the key of '"
                            + parts[0]
                            + "' in hyperstream.http.api-keys has no role; it is read, predict,"
                            + " teach or admin"));
    return new ApiKey(parts[0], role, hash(parts[0], parts[2]));
  }

  private static byte[] hash(String name, String secret) {
    if (!secret.startsWith(HASH)) {
      if (secret.length() < SHORTEST) {
        throw new IllegalArgumentException(
            "the key of '"
                + name
                + "' in hyperstream.http.api-keys is shorter than "
                + SHORTEST
                + " characters; `hyperstream api-key` makes a good one");
      }
      return sha256(secret);
    }
    String hex = secret.substring(HASH.length());
    if (!hex.matches("[0-9a-fA-F]{64}")) {
      throw new IllegalArgumentException(
          "the key of '"
              + name
              + "' in hyperstream.http.api-keys should be sha256: and 64 hexadecimal digits");
    }
    return HexFormat.of().parseHex(hex);
  }

  /** A new random key. */
  public static String generate() {
    byte[] random = new byte[RANDOM_BYTES];
    new SecureRandom().nextBytes(random);
    return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
  }

  /** The entry of the configuration that lets a key in. */
  public static String entry(String name, Role role, String key) {
    String entry = name + ":" + role.id() + ":" + HASH + HexFormat.of().formatHex(sha256(key));
    parse(entry); // refuses a name that could not be read again
    return entry;
  }

  /** Takes the same time whatever was presented. */
  boolean matches(byte[] presentedSha256) {
    return MessageDigest.isEqual(sha256, presentedSha256);
  }

  static byte[] sha256(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
