package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;

/** What happens to a sub-layer's output before the residual is added: adapters, or nothing. */
public interface AdapterHook {
  /** The bare backbone. */
  AdapterHook NONE = (y, stack, layer, position) -> y;

  /**
   * @param y [B, N, d] output of self-attention or feed-forward, fresh: it may be overwritten when
   *     the thread does not record gradients
   * @return [B, N, d]
   */
  NDArray apply(NDArray y, Stack stack, int layer, Position position);

  /** The hook of a batch in which every row stands {@code times} times in a row, for beams. */
  default AdapterHook expand(int times) {
    return this;
  }

  /** The hook of the rows {@code [from, to)}. */
  default AdapterHook slice(int from, int to) {
    return this;
  }

  /** Dropout of a training step, wherever T5 has it; nothing otherwise. */
  default NDArray dropout(NDArray x) {
    return x;
  }
}
