package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Scalar;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** T5's encoder. Immutable, any thread. */
final class T5Encoder {
  /** As the reference: what padding keys lose in self-attention. */
  static final Scalar SELF_MASK = new Scalar(10_000);

  /**
   * On a processor rows are encoded in parts whose widest activation has about this size: it is
   * then still in the last-level cache when the next operation reads it, and the parts reuse each
   * other's memory. Beyond that every operation waits for memory.
   */
  private static final long PART_BYTES = 8L << 20;

  private record Block(
      RmsNorm attentionNorm, Attention attention, RmsNorm feedForwardNorm, FeedForward ff) {}

  private final NDArray embeddings; // [V, d]
  private final int partTokens;
  private final RelativePositionBias positions;
  private final List<Block> blocks = new ArrayList<>();
  private final RmsNorm finalNorm;

  T5Encoder(TensorSource source, NDManager manager, T5Config config, NDArray embeddings) {
    this.embeddings = embeddings;
    partTokens =
        manager.getDevice().isGpu()
            ? Integer.MAX_VALUE
            : (int) Math.max(1, PART_BYTES / Float.BYTES / config.dFf());
    positions =
        new RelativePositionBias(
            source, manager, "encoder.block.0.layer.0.SelfAttention", config, true);
    for (int i = 0; i < config.encoderLayers(); i++) {
      String layer = "encoder.block." + i + ".layer.";
      blocks.add(
          new Block(
              new RmsNorm(source, manager, layer + "0.layer_norm", config),
              Attention.self(source, manager, layer + "0.SelfAttention", config),
              new RmsNorm(source, manager, layer + "1.layer_norm", config),
              new FeedForward(source, manager, layer + "1.DenseReluDense", config)));
    }
    finalNorm = new RmsNorm(source, manager, "encoder.final_layer_norm", config);
  }

  /** ids [B, S] int64, mask [B, S] float -> [B, S, d]; padded rows are computed too. */
  NDArray encode(NDArray ids, NDArray mask, AdapterHook adapters) {
    int rows = (int) ids.getShape().get(0);
    int length = (int) ids.getShape().get(1);
    int[] range = IntStream.range(0, length).toArray();
    NDArray bias = positions.between(ids.getManager(), range, range); // [1, H, S, S]
    int most = Math.max(1, partTokens / length);
    if (rows <= most || Ops.recording()) {
      return encode(ids, mask, bias, adapters);
    }
    int parts = (rows + most - 1) / most;
    List<NDArray> encoded = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      int from = i * rows / parts;
      int to = (i + 1) * rows / parts;
      NDArray partIds = Ops.slice(ids, 0, from, to);
      NDArray partMask = Ops.slice(mask, 0, from, to);
      AdapterHook partAdapters = adapters.slice(from, to);
      encoded.add(Ops.step(() -> encode(partIds, partMask, bias, partAdapters)));
    }
    return Ops.concat(encoded, 0);
  }

  private NDArray encode(NDArray ids, NDArray mask, NDArray positionBias, AdapterHook adapters) {
    NDArray bias = positionBias.add(Ops.keyMask(mask, SELF_MASK)); // [B, H, S, S]
    NDArray x = adapters.dropout(Ops.gatherRows(embeddings, ids)); // [B, S, d]
    for (int i = 0; i < blocks.size(); i++) {
      x = layer(i, x, bias, adapters);
    }
    return adapters.dropout(finalNorm.apply(x));
  }

  /** x [B, S, d], overwritten unless the thread records. */
  private NDArray layer(int i, NDArray x, NDArray bias, AdapterHook adapters) {
    Block block = blocks.get(i);
    NDArray attended =
        Ops.step(
            () -> {
              Attention.Heads heads = block.attention.project(block.attentionNorm.apply(x));
              NDArray y =
                  block.attention.attend(heads.query(), heads.key(), heads.value(), bias, adapters);
              y = adapters.apply(y, Stack.ENCODER, i, Position.SELF_ATTENTION);
              return Ops.addInPlace(x, adapters.dropout(y));
            });
    return Ops.step(
        () -> {
          NDArray y = block.ff.apply(block.feedForwardNorm.apply(attended), adapters);
          y = adapters.apply(y, Stack.ENCODER, i, Position.FEED_FORWARD);
          return Ops.addInPlace(attended, adapters.dropout(y));
        });
  }
}
