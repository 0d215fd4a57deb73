package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.List;

/**
 * What the decoder reads of an encoded batch: keys and values of every layer's cross-attention,
 * computed once, and the mask. Lives as long as the scope it was made in.
 */
public final class CrossMemory {
  private final int rows;
  private final int heads;
  private final List<Attention.Heads> layers; // key and value [B*H, S, k]
  private final NDArray mask; // [B, 1, 1, S], additive

  CrossMemory(int rows, int heads, List<Attention.Heads> layers, NDArray mask) {
    this.rows = rows;
    this.heads = heads;
    this.layers = layers;
    this.mask = mask;
  }

  /** B. */
  public int rows() {
    return rows;
  }

  /** S. */
  int sourceLength() {
    return (int) mask.getShape().get(3);
  }

  Attention.Heads layer(int i) {
    return layers.get(i);
  }

  NDArray mask() {
    return mask;
  }

  /** The rows {@code [from, to)} of the batch, as views. */
  public CrossMemory slice(int from, int to) {
    if (from == 0 && to == rows) {
      return this;
    }
    List<Attention.Heads> part = new ArrayList<>();
    for (Attention.Heads layer : layers) {
      part.add(
          new Attention.Heads(
              null,
              Ops.slice(layer.key(), 0, (long) from * heads, (long) to * heads),
              Ops.slice(layer.value(), 0, (long) from * heads, (long) to * heads)));
    }
    return new CrossMemory(to - from, heads, part, Ops.slice(mask, 0, from, to));
  }

  /** The given rows in the given order, repeated as often as they are named; copies. */
  public CrossMemory select(int[] which) {
    NDManager manager = mask.getManager();
    NDArray index = Indices.of(manager, which);
    List<Attention.Heads> part = new ArrayList<>();
    for (Attention.Heads layer : layers) {
      part.add(
          new Attention.Heads(
              null, selectRows(layer.key(), rows, index), selectRows(layer.value(), rows, index)));
    }
    Shape shape = mask.getShape();
    NDArray selected = Ops.gatherRows(mask.reshape(rows, shape.get(3)), index);
    return new CrossMemory(
        which.length, heads, part, selected.reshape(which.length, 1, 1, shape.get(3)));
  }

  /** Rows of a per-head array: [B*H, n, k] -> [rows*H, n, k]. */
  static NDArray selectRows(NDArray perHead, int batch, NDArray index) {
    Shape shape = perHead.getShape();
    long heads = shape.get(0) / batch;
    NDArray flat = perHead.reshape(batch, heads * shape.get(1) * shape.get(2));
    long selected = index.getShape().get(0);
    return Ops.gatherRows(flat, index).reshape(selected * heads, shape.get(1), shape.get(2));
  }
}
