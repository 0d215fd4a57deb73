package io.hyperstream.model.checkpoint;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What whoever made a model says about it; the rest of a manifest is computed from the files.
 *
 * @param maxSourceTokens longest input, end token included
 * @param maxTargetTokens longest decoded output, end token included; of an encoder, which decodes
 *     nothing, the least allowed: 2
 * @param metrics measured by whoever trained it, by name
 * @param licence of the weights
 * @param source where they came from
 * @param notes for people
 */
public record ModelCard(
    int maxSourceTokens,
    int maxTargetTokens,
    Map<String, Double> metrics,
    String licence,
    String source,
    String notes) {
  /** Longest input any model may declare: self-attention is quadratic in it. */
  public static final int MAX_TOKENS = 16_384;

  public ModelCard {
    check("maxSourceTokens", maxSourceTokens);
    check("maxTargetTokens", maxTargetTokens);
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
    if (licence == null || source == null || notes == null) {
      throw new IllegalArgumentException("licence, source and notes may be empty, not null");
    }
  }

  private static void check(String name, int tokens) {
    if (tokens < 2 || tokens > MAX_TOKENS) {
      throw new IllegalArgumentException(
          name + " must be 2 to " + MAX_TOKENS + " tokens; got " + tokens);
    }
  }
}
