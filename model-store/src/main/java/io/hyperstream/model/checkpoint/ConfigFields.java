package io.hyperstream.model.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;

/**
 * A {@code config.json} of others and its fields, read so that what is wrong is said. Forgiving as
 * Hugging Face's own reader: a field may stand twice. Our own files are read by {@link Json}.
 */
public final class ConfigFields {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private ConfigFields() {}

  /**
   * A whole file.
   *
   * @throws CheckpointException if it is larger or no JSON
   */
  public static JsonNode read(Path file, long maxBytes) throws IOException {
    if (Files.size(file) > maxBytes) {
      throw new CheckpointException(file + " is larger than " + maxBytes + " bytes");
    }
    try {
      return MAPPER.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw new CheckpointException(file + " is not valid JSON: " + e.getOriginalMessage(), e);
    }
  }

  /**
   * The same as a configuration.
   *
   * @param parse throws IllegalArgumentException naming the field
   * @throws CheckpointException naming the file and the field
   */
  public static <T> T read(Path file, long maxBytes, Function<JsonNode, T> parse)
      throws IOException {
    JsonNode json = read(file, maxBytes);
    try {
      return parse.apply(json);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * An integer.
   *
   * @param otherwise what a missing one is; null if it may not be missing
   * @param family whose configurations have it
   * @throws IllegalArgumentException naming the field
   */
  public static int integer(JsonNode json, String field, Integer otherwise, String family) {
    JsonNode value = json.path(field);
    if (value.isMissingNode() || value.isNull()) {
      if (otherwise == null) {
        throw new IllegalArgumentException(
            "it has no '%s', which the config.json of %s has; take the one that belongs to the weights"
                .formatted(field, family));
      }
      return otherwise;
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw new IllegalArgumentException("'" + field + "' must be an integer; it is " + value);
    }
    return value.intValue();
  }

  /**
   * Makes sure that a value is within bounds.
   *
   * @throws IllegalArgumentException naming the field
   */
  public static void require(String field, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          field + " must be " + min + " to " + max + "; it is " + value);
    }
  }
}
