package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.tensor.Ops;
import java.util.List;

/**
 * Keys and values of the decoder's self-attention for the positions decoded so far. Its arrays
 * outlive the scope of a step; closing the cache frees them. One thread; for inference only.
 */
public final class KeyValueCache implements AutoCloseable {
  private final NDArray[] keys; // per layer [B*H, length, k]
  private final NDArray[] values;
  private int length;

  KeyValueCache(int layers) {
    keys = new NDArray[layers];
    values = new NDArray[layers];
  }

  /** Positions decoded so far. */
  public int length() {
    return length;
  }

  /** Appends keys and values of new positions [B*H, M, k] and returns all of them. */
  Attention.Heads append(int layer, Attention.Heads step) {
    keys[layer] = grow(keys[layer], step.key());
    values[layer] = grow(values[layer], step.value());
    if (layer == keys.length - 1) {
      length += (int) step.key().getShape().get(1);
    }
    return new Attention.Heads(step.query(), keys[layer], values[layer]);
  }

  private static NDArray grow(NDArray old, NDArray more) {
    if (old == null) {
      return Ops.keep(more.duplicate());
    }
    NDArray grown = Ops.keep(Ops.concat(List.of(old, more), 1));
    old.close();
    return grown;
  }

  /** Makes row i continue what was row {@code rows[i]}: beams change places. */
  void reorder(int[] rows, int batch) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray index = Indices.of(keys[0].getManager(), rows);
      for (int i = 0; i < keys.length; i++) {
        keys[i] = replace(keys[i], CrossMemory.selectRows(keys[i], batch, index));
        values[i] = replace(values[i], CrossMemory.selectRows(values[i], batch, index));
      }
    }
  }

  private static NDArray replace(NDArray old, NDArray replacement) {
    Ops.keep(replacement);
    old.close();
    return replacement;
  }

  @Override
  public void close() {
    for (int i = 0; i < keys.length; i++) {
      if (keys[i] != null) {
        keys[i].close();
        values[i].close();
        keys[i] = null;
        values[i] = null;
      }
    }
  }
}
