package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDManager;

/**
 * A transformer with frozen weights. Immutable after loading: any number of threads may use it at
 * once. Results live in the caller's scope ({@code Ops.scope()}).
 */
public interface Backbone extends AutoCloseable {
  BackboneShape shape();

  /** Owns the weights; make inputs with it inside a scope. */
  NDManager manager();

  /**
   * Runs the encoder; part of the gradient graph while the thread records. Padded positions are
   * computed as well.
   */
  Encoded encode(TokenBatch batch, AdapterHook adapters);

  /** Frees the weights; nothing may use the model any more. */
  @Override
  void close();
}
