package io.hyperstream.model.store;

import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Opens the store that an address names. */
public final class ModelStores {
  private static final Pattern SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]+)://.*");

  private ModelStores() {}

  /**
   * Opens a store.
   *
   * @param location a folder, or {@code s3://bucket} or {@code s3://bucket/prefix}
   * @param options for the latter
   * @throws IllegalArgumentException if it is neither, saying what is expected
   */
  public static ModelStore open(String location, S3Options options) throws IOException {
    Matcher scheme = SCHEME.matcher(location);
    if (!scheme.matches()) {
      return new FileModelStore(Path.of(location));
    }
    if (scheme.group(1).equals("s3")) {
      return new S3ModelStore(S3Location.parse(location), options);
    }
    throw new IllegalArgumentException(
        "a model store is a folder or s3://bucket/prefix; got '" + location + "'");
  }

  /**
   * What a location means wherever it is read: a folder as an absolute path, others as they are.
   */
  public static String absolute(String location) {
    return SCHEME.matcher(location).matches()
        ? location
        : Path.of(location).toAbsolutePath().toString();
  }
}
