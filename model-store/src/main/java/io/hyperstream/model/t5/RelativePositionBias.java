package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Ops;

/**
 * A learned bias per head and bucket of relative position (key minus query). Immutable, any thread.
 */
final class RelativePositionBias {
  private final NDArray table; // [buckets, H]
  private final int heads;
  private final PositionBuckets buckets;

  RelativePositionBias(
      TensorSource source,
      NDManager manager,
      String prefix,
      T5Config config,
      boolean bidirectional) {
    String name = prefix + ".relative_attention_bias.weight";
    table = source.read(manager, name, config.buckets(), config.heads());
    heads = config.heads();
    buckets = new PositionBuckets(config.buckets(), config.maxDistance(), bidirectional);
  }

  /** Bias for queries and keys at the given positions: [1, H, queries, keys]. */
  NDArray between(NDManager manager, int[] queries, int[] keys) {
    long[] index = new long[queries.length * keys.length];
    int i = 0;
    for (int query : queries) {
      for (int key : keys) {
        index[i++] = buckets.bucket(key - query);
      }
    }
    NDArray indices = manager.create(index, new Shape(queries.length, keys.length));
    NDArray bias = Ops.gatherRows(table, indices); // [queries, keys, H]
    return bias.transpose(2, 0, 1).reshape(1, heads, queries.length, keys.length);
  }
}
