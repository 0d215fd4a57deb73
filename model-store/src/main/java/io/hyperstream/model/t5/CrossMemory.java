package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.List;

/**
 * What the decoder reads of an encoded batch: the encoder's states and the mask, and, where many
 * target positions will ask, keys and values of every layer's cross-attention, computed once. For
 * few positions it is several times cheaper to bring the queries to the states than to project all
 * states: the scores are {@code q (E Wk^T)^T = (q Wk) E^T}. Lives as long as the scope it was made
 * in.
 */
public final class CrossMemory {
  private final int heads;
  private final NDArray encoded; // [B, S, d]
  private final List<Attention.Heads> layers; // key and value [B*H, S, k]; empty: states only
  private final NDArray mask; // [B, 1, 1, S], additive

  private CrossMemory(NDArray encoded, int heads, List<Attention.Heads> layers, NDArray mask) {
    this.encoded = encoded;
    this.heads = heads;
    this.layers = layers;
    this.mask = mask;
  }

  static CrossMemory ofStates(NDArray encoded, int heads, NDArray mask) {
    return new CrossMemory(encoded, heads, List.of(), mask);
  }

  CrossMemory with(List<Attention.Heads> keysAndValues) {
    return new CrossMemory(encoded, heads, keysAndValues, mask);
  }

  /** B. */
  public int rows() {
    return (int) encoded.getShape().get(0);
  }

  /** S. */
  public int sourceLength() {
    return (int) encoded.getShape().get(1);
  }

  NDArray encoded() {
    return encoded;
  }

  /** Cross-attention of one layer: x [B, N, d] -> [B, N, d]. */
  NDArray attend(Attention cross, int layer, NDArray x, NDArray bias, AdapterHook hook) {
    if (layers.isEmpty()) {
      return cross.attendStates(x, encoded, bias, hook);
    }
    Attention.Heads source = layers.get(layer);
    return cross.attend(cross.projectQuery(x), source.key(), source.value(), bias, hook);
  }

  NDArray mask() {
    return mask;
  }

  /** The rows {@code [from, to)} of the batch, as views. */
  public CrossMemory slice(int from, int to) {
    if (from == 0 && to == rows()) {
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
    return new CrossMemory(
        Ops.slice(encoded, 0, from, to), heads, part, Ops.slice(mask, 0, from, to));
  }

  /** The given rows in the given order, repeated as often as they are named; copies. */
  public CrossMemory select(int[] which) {
    NDArray index = Indices.of(mask.getManager(), which);
    List<Attention.Heads> part = new ArrayList<>();
    for (Attention.Heads layer : layers) {
      part.add(
          new Attention.Heads(
              null,
              selectRows(layer.key(), rows(), index),
              selectRows(layer.value(), rows(), index)));
    }
    long s = sourceLength();
    NDArray selected = Ops.gatherRows(mask.reshape(rows(), s), index);
    return new CrossMemory(
        selectRows(encoded, rows(), index), heads, part, selected.reshape(which.length, 1, 1, s));
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
