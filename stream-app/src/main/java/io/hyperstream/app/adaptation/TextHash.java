package io.hyperstream.app.adaptation;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/**
 * Identifies an example: SHA-256 of text and second text, ignoring case and white space. Different
 * parts of the hash are used for different decisions, so that these are independent.
 */
final class TextHash {
  private TextHash() {}

  /** In hexadecimal. */
  static String of(String text, String textPair) {
    String whole = normal(text) + (textPair == null ? "" : '\u0000' + normal(textPair));
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(whole.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static String normal(String text) {
    return text.strip().replaceAll("\\s+", " ").toLowerCase(Locale.ROOT);
  }

  /** Uniform in [0, 1): whether an example is held out. */
  static double share(String hash) {
    return (part(hash, 0) >>> 11) * 0x1.0p-53;
  }

  /** Uniform in 0 to bound - 1: which example is evicted for this one. */
  static int pick(String hash, int bound) {
    return (int) Long.remainderUnsigned(part(hash, 1), bound);
  }

  private static long part(String hash, int index) {
    return ByteBuffer.wrap(HexFormat.of().parseHex(hash)).getLong(Long.BYTES * index);
  }
}
