package io.hyperstream.model.store;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where in S3 a store lies.
 *
 * @param bucket by name
 * @param prefix of every key; empty or ends with {@code /}
 */
record S3Location(String bucket, String prefix) {
  private static final Pattern URL =
      Pattern.compile(
          "s3://(?<bucket>[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9])"
              + "(?<prefix>(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)/?");
  private static final int MAX_PREFIX = 300;

  /**
   * Takes {@code s3://bucket/prefix} apart.
   *
   * @throws IllegalArgumentException if it is not of that form
   */
  static S3Location parse(String url) {
    Matcher matcher = URL.matcher(url);
    if (!matcher.matches() || matcher.group("prefix").length() > MAX_PREFIX) {
      throw new IllegalArgumentException(
          "a store in S3 is s3://bucket or s3://bucket/prefix, the prefix of letters, digits, . _"
              + " - and /; got '"
              + url
              + "'");
    }
    String prefix = matcher.group("prefix");
    return new S3Location(
        matcher.group("bucket"), prefix.isEmpty() ? "" : prefix.substring(1) + "/");
  }

  /** The address of an object, for people. */
  String uri(String key) {
    return "s3://" + bucket + "/" + prefix + key;
  }

  @Override
  public String toString() {
    return uri("");
  }
}
