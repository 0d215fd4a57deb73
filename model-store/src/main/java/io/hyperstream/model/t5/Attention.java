package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Ops;
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
  private final NDArray projection; // self: q, k, v stacked [3 H k, d]; cross: k, v [2 H k, d]
  private final NDArray query; // cross only: [H k, d]
  private final NDArray out; // [d, H k]

  private Attention(T5Config config, NDArray projection, NDArray query, NDArray out) {
    this.heads = config.heads();
    this.width = config.dKv();
    this.projection = projection;
    this.query = query;
    this.out = out;
  }

  static Attention self(TensorSource source, NDManager manager, String prefix, T5Config config) {
    NDArray qkv = stacked(source, manager, prefix, config, "q", "k", "v");
    return new Attention(config, qkv, null, out(source, manager, prefix, config));
  }

  static Attention cross(TensorSource source, NDManager manager, String prefix, T5Config config) {
    NDArray kv = stacked(source, manager, prefix, config, "k", "v");
    NDArray q = source.read(manager, prefix + ".q.weight", config.innerWidth(), config.dModel());
    return new Attention(config, kv, q, out(source, manager, prefix, config));
  }

  private static NDArray out(
      TensorSource source, NDManager manager, String prefix, T5Config config) {
    return source.read(manager, prefix + ".o.weight", config.dModel(), config.innerWidth());
  }

  private static NDArray stacked(
      TensorSource source, NDManager manager, String prefix, T5Config config, String... parts) {
    List<String> names = Stream.of(parts).map(part -> prefix + "." + part + ".weight").toList();
    return source.readStacked(manager, names, config.innerWidth(), config.dModel());
  }

  /** Queries, keys and values of the same positions: x [B, N, d]. */
  Heads project(NDArray x) {
    NDArray split = split(Ops.linear(x, projection), 3); // [3, B*H, N, k]
    return new Heads(Ops.select(split, 0, 0), Ops.select(split, 0, 1), Ops.select(split, 0, 2));
  }

  /** Keys and values of the encoder's output [B, S, d]; the query is null. */
  Heads projectMemory(NDArray encoded) {
    NDArray split = split(Ops.linear(encoded, projection), 2); // [2, B*H, S, k]
    return new Heads(null, Ops.select(split, 0, 0), Ops.select(split, 0, 1));
  }

  /** Queries of cross-attention: x [B, N, d] -> [B*H, N, k]. */
  NDArray projectQuery(NDArray x) {
    return Ops.select(split(Ops.linear(x, query), 1), 0, 0);
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
    NDArray keys = Ops.slice(projection, 0, 0, inner).reshape(heads, width, d); // [H, k, d]
    NDArray values = Ops.slice(projection, 0, inner, 2 * inner).reshape(heads, width, d);
    NDArray queries =
        Ops.linear(x, query)
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
    return Ops.linear(merged, out);
  }

  /** [B*H, N, k] -> [B, N, d]. */
  private NDArray output(NDArray context, long batch, long n) {
    NDArray merged =
        context
            .reshape(batch, heads, n, width)
            .transpose(0, 2, 1, 3) // [B, N, H, k]
            .reshape(batch, n, (long) heads * width);
    return Ops.linear(merged, out);
  }
}
