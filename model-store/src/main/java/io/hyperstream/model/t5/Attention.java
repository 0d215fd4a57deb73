package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Linear;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import java.util.List;
import java.util.stream.Stream;

/**
 * Multi-head attention with its output projection. T5 does not scale the scores: the initialisation
 * did. Projections that read the same input are one matrix.
 */
final class Attention {
  /** Per head: [B*H, N, k] each. */
  record Heads(NDArray query, NDArray key, NDArray value) {}

  private final int heads;
  private final int width;
  private final Linear qkv; // self only: [3 H k, d]
  private final NDArray keysValues; // cross only: [2 H k, d]
  private final Linear query; // cross only: [H k, d]
  private final Linear out; // [d, H k]

  private Attention(T5Config config, Linear qkv, NDArray keysValues, Linear query, Linear out) {
    this.heads = config.heads();
    this.width = config.dKv();
    this.qkv = qkv;
    this.keysValues = keysValues;
    this.query = query;
    this.out = out;
  }

  static Attention self(
      TensorSource source, NDManager manager, String prefix, T5Config config, Precision precision) {
    Weights weights = new Weights(source, manager, prefix, config, precision);
    return new Attention(config, weights.in("q", "k", "v"), null, null, weights.out());
  }

  static Attention cross(
      TensorSource source, NDManager manager, String prefix, T5Config config, Precision precision) {
    Weights weights = new Weights(source, manager, prefix, config, precision);
    NDArray keysValues =
        source.readStacked(manager, weights.names("k", "v"), config.innerWidth(), config.dModel());
    return new Attention(config, null, keysValues, weights.in("q"), weights.out());
  }

  private record Weights(
      TensorSource source, NDManager manager, String prefix, T5Config config, Precision precision) {
    List<String> names(String... parts) {
      return Stream.of(parts).map(part -> prefix + "." + part + ".weight").toList();
    }

    Linear in(String... parts) {
      return Linear.read(
          source, manager, precision, names(parts), config.innerWidth(), config.dModel());
    }

    Linear out() {
      return Linear.read(
          source, manager, precision, names("o"), config.dModel(), config.innerWidth());
    }
  }

  Linear qkv() {
    return qkv;
  }

  Linear out() {
    return out;
  }

  /** Queries, keys and values of the same positions: x [B, N, d]. */
  Heads project(NDArray x) {
    NDArray split = split(qkv.apply(x), 3); // [3, B*H, N, k]
    return new Heads(Ops.select(split, 0, 0), Ops.select(split, 0, 1), Ops.select(split, 0, 2));
  }

  /** Keys and values of the encoder's output [B, S, d]; the query is null. */
  Heads projectMemory(NDArray encoded) {
    NDArray split = split(Ops.linear(encoded, keysValues), 2); // [2, B*H, S, k]
    return new Heads(null, Ops.select(split, 0, 0), Ops.select(split, 0, 1));
  }

  /** Queries of cross-attention: x [B, N, d] -> [B*H, N, k]. */
  NDArray projectQuery(NDArray x) {
    return Ops.select(split(query.apply(x), 1), 0, 0);
  }

  /** [B, N, parts*H*k] -> [parts, B*H, N, k]. */
  private NDArray split(NDArray projected, int parts) {
    long batch = projected.getShape().get(0);
    long n = projected.getShape().get(1);
    return projected
        .reshape(batch, n, parts, heads, width)
        .transpose(2, 0, 3, 1, 4) // [parts, B, H, N, k]
        .reshape(parts, batch * heads, n, width);
  }

  /**
   * @param bias added to the scores, broadcastable to [B, H, N, S]
   * @param hook for the dropout of attention weights
   * @return [B, N, d]
   */
  NDArray attend(NDArray query, NDArray key, NDArray value, NDArray bias, AdapterHook hook) {
    long batch = query.getShape().get(0) / heads;
    long n = query.getShape().get(1);
    long s = key.getShape().get(1);
    NDArray scores = Ops.bmm(query, Ops.swapAxes(key, 1, 2)); // [B*H, N, S]
    scores = Ops.addInPlace(scores.reshape(batch, heads, n, s), bias);
    NDArray weights = hook.dropout(Ops.softmax(scores)).reshape(batch * heads, n, s);
    NDArray context = Ops.bmm(weights, value); // [B*H, N, k]
    return output(context, batch, n);
  }

  /**
   * Cross-attention to the encoder's own states, for few queries: keys and values are never made.
   *
   * @param x [B, N, d]
   * @param encoded [B, S, d]
   * @param bias as for {@link #attend}
   * @return [B, N, d]
   */
  NDArray attendStates(NDArray x, NDArray encoded, NDArray bias, AdapterHook hook) {
    long batch = x.getShape().get(0);
    long n = x.getShape().get(1);
    long s = encoded.getShape().get(1);
    long d = encoded.getShape().get(2);
    long inner = (long) heads * width;
    NDArray keys = Ops.slice(keysValues, 0, 0, inner).reshape(heads, width, d); // [H, k, d]
    NDArray values = Ops.slice(keysValues, 0, inner, 2 * inner).reshape(heads, width, d);
    NDArray queries =
        query
            .apply(x)
            .reshape(batch, n, heads, width)
            .transpose(2, 0, 1, 3) // [H, B, N, k]
            .reshape(heads, batch * n, width);
    NDArray asked =
        Ops.bmm(queries, keys) // [H, B*N, d]
            .reshape(heads, batch, n, d)
            .transpose(1, 0, 2, 3) // [B, H, N, d]
            .reshape(batch, heads * n, d);
    NDArray scores = Ops.bmm(asked, Ops.swapAxes(encoded, 1, 2)); // [B, H*N, S]
    scores = Ops.addInPlace(scores.reshape(batch, heads, n, s), bias);
    NDArray weights = hook.dropout(Ops.softmax(scores)).reshape(batch, heads * n, s);
    NDArray found =
        Ops.bmm(weights, encoded) // [B, H*N, d]
            .reshape(batch, heads, n, d)
            .transpose(1, 0, 2, 3) // [H, B, N, d]
            .reshape(heads, batch * n, d);
    NDArray context = Ops.bmm(found, Ops.swapAxes(values, 1, 2)); // [H, B*N, k]
    NDArray merged =
        context
            .reshape(heads, batch, n, width)
            .transpose(1, 2, 0, 3) // [B, N, H, k]
            .reshape(batch, n, inner);
    return out.apply(merged);
  }

  /** [B*H, N, k] -> [B, N, d]. */
  private NDArray output(NDArray context, long batch, long n) {
    NDArray merged =
        context
            .reshape(batch, heads, n, width)
            .transpose(0, 2, 1, 3) // [B, N, H, k]
            .reshape(batch, n, (long) heads * width);
    return out.apply(merged);
  }
}
