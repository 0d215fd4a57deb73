package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDManager;
import io.hyperstream.model.tensor.Workers;

/**
 * A transformer with frozen weights. Immutable after loading: any number of threads may use it at
 * once. Results live in the caller's scope ({@code Ops.scope()}).
 */
public interface Backbone extends AutoCloseable {
  BackboneShape shape();

  /** Owns the weights; make inputs with it inside a scope. */
  NDManager manager();

  /**
   * Runs the encoder; part of the gradient graph while the thread records. States of padding are
   * anything.
   */
  default Encoded encode(TokenBatch batch, AdapterHook adapters) {
    return encode(batch, adapters, Workers.NONE);
  }

  /** The same, parts of the batch side by side unless the thread records. */
  Encoded encode(TokenBatch batch, AdapterHook adapters, Workers workers);

  /** Frees the weights; nothing may use the model any more. */
  @Override
  void close();
}
