package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
import java.util.Optional;

/** What happens to a sub-layer's output before the residual is added: adapters, or nothing. */
public interface AdapterHook extends AutoCloseable {
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

  /** What the encoder's kernels take instead; empty if {@link #apply} must be called. */
  default Optional<RowAdapters> forKernels() {
    return this == NONE ? Optional.of(RowAdapters.NONE) : Optional.empty();
  }

  /** Nothing happens in the encoder's layers below this one; they need no gradients. */
  default int firstLayer() {
    return 0;
  }

  /** The hook of the rows {@code [from, to)}. */
  default AdapterHook slice(int from, int to) {
    return this;
  }

  /**
   * The hook of the given rows in the given order, each as often as it is named. Closed with this
   * one, or earlier.
   */
  default AdapterHook select(int[] rows) {
    return this;
  }

  /**
   * What tells a row's adapters from others: rows with the same key have the same adapters, for as
   * long as somebody holds the key.
   */
  default Object key(int row) {
    return NONE;
  }

  /** Frees what was kept for these rows; not the adapters themselves. */
  @Override
  default void close() {}

  /** Dropout of a training step, wherever the backbone has it; nothing otherwise. */
  default NDArray dropout(NDArray x) {
    return x;
  }
}
