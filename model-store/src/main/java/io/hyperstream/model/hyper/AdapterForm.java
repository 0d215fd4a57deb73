package io.hyperstream.model.hyper;

import java.nio.file.Path;

/** What one task's adapters are made of. */
public sealed interface AdapterForm {

  /**
   * Adapters by a task embedding.
   *
   * @param embedding [t]; empty for none
   */
  static AdapterForm of(float[] embedding) {
    return embedding.length == 0 ? new None() : new Embedding(embedding);
  }

  /**
   * A task embedding the hypernetwork turns into adapter weights.
   *
   * @param values [t]; not copied, not to be changed after construction
   */
  record Embedding(float[] values) implements AdapterForm {}

  /**
   * Adapter weights as such, f16 or f32 safetensors with one stacked tensor per part.
   *
   * @param file where they lie; loaded when the task is first used
   */
  record Weights(Path file) implements AdapterForm {}

  /**
   * Weights that are part of the checkpoint under a task's name: plain (non-generated) adapters.
   *
   * @param name the name in the checkpoint
   */
  record Named(String name) implements AdapterForm {}

  /** No adapters: the bare backbone. */
  record None() implements AdapterForm {}
}
