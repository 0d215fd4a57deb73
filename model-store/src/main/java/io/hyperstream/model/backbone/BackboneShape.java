package io.hyperstream.model.backbone;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What adapters and readouts need to know of a backbone.
 *
 * @param width d, numbers per token
 * @param stacks layers of each stack it has; an encoder-only model has no decoder
 * @param vocabulary ids are below it
 * @param padId the id that fills up shorter sequences
 * @param maxTokens longest sequence, special tokens included
 */
public record BackboneShape(
    int width, Map<Stack, Integer> stacks, int vocabulary, int padId, int maxTokens) {
  public BackboneShape {
    stacks = Map.copyOf(stacks);
    if (!stacks.containsKey(Stack.ENCODER)) {
      throw new IllegalArgumentException("a backbone needs an encoder; got " + stacks);
    }
  }

  /**
   * The same without the encoder's first layers.
   *
   * @throws IllegalArgumentException if none would be left
   */
  public BackboneShape from(int firstLayer) {
    if (firstLayer == 0) {
      return this;
    }
    Map<Stack, Integer> rest = new EnumMap<>(stacks);
    int left = layers(Stack.ENCODER) - firstLayer;
    if (left < 1) {
      throw new IllegalArgumentException(
          "first_layer must be below the encoder's %d layers; it is %d"
              .formatted(layers(Stack.ENCODER), firstLayer));
    }
    rest.put(Stack.ENCODER, left);
    return new BackboneShape(width, rest, vocabulary, padId, maxTokens);
  }

  /** The stacks it has, the encoder first. */
  public List<Stack> present() {
    return stacks.keySet().stream().sorted().toList();
  }

  /** Layers of a stack; 0 if it does not have it. */
  public int layers(Stack stack) {
    return stacks.getOrDefault(stack, 0);
  }

  /** Layers of all stacks. */
  public int layers() {
    return stacks.values().stream().mapToInt(Integer::intValue).sum();
  }
}
