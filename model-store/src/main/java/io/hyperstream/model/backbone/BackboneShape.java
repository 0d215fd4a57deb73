package io.hyperstream.model.backbone;

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

  /** The stacks it has, the encoder first. */
  public java.util.List<Stack> present() {
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
