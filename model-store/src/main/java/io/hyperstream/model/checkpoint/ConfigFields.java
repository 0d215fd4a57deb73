package io.hyperstream.model.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;

/** Fields of a {@code config.json}, read so that what is wrong with one is said. */
public final class ConfigFields {
  private ConfigFields() {}

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
