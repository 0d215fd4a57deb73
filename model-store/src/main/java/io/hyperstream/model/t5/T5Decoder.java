package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import io.hyperstream.model.tensor.Scalar;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** T5's decoder. Immutable, any thread. */
final class T5Decoder {
  /** As the reference: what padding keys lose in cross-attention. */
  private static final Scalar CROSS_MASK = new Scalar(1e9);

  static final float UNSEEN = -10_000;

  private record Block(
      RmsNorm selfNorm,
      Attention self,
      RmsNorm crossNorm,
      Attention cross,
      RmsNorm feedForwardNorm,
      FeedForward ff) {}

  private final T5Config config;
  private final NDArray embeddings; // [V, d]
  private final RelativePositionBias positions;
  private final RelativePositionBias crossPositions; // null unless the configuration has them
  private final List<Block> blocks = new ArrayList<>();
  private final RmsNorm finalNorm;

  T5Decoder(
      TensorSource source,
      NDManager manager,
      T5Config config,
      NDArray embeddings,
      Precision precision) {
    this.config = config;
    this.embeddings = embeddings;
    String first = "decoder.block.0.layer.";
    positions = new RelativePositionBias(source, manager, first + "0.SelfAttention", config, false);
    crossPositions =
        config.crossBias()
            ? new RelativePositionBias(source, manager, first + "1.EncDecAttention", config, true)
            : null;
    for (int i = 0; i < config.decoderLayers(); i++) {
      String layer = "decoder.block." + i + ".layer.";
      blocks.add(
          new Block(
              new RmsNorm(source, manager, layer + "0.layer_norm", config),
              Attention.self(source, manager, layer + "0.SelfAttention", config, precision),
              new RmsNorm(source, manager, layer + "1.layer_norm", config),
              Attention.cross(source, manager, layer + "1.EncDecAttention", config, precision),
              new RmsNorm(source, manager, layer + "2.layer_norm", config),
              new FeedForward(source, manager, layer + "2.DenseReluDense", config, precision)));
    }
    finalNorm = new RmsNorm(source, manager, "decoder.final_layer_norm", config);
  }

  /** Keys and values of every layer, for many target positions: see {@link T5#attendTo}. */
  CrossMemory attendTo(CrossMemory states) {
    List<Attention.Heads> layers = new ArrayList<>();
    for (Block block : blocks) {
      layers.add(block.cross.projectMemory(states.encoded()));
    }
    return states.with(layers);
  }

  /** encoded [B, S, d], mask [B, S] float. */
  CrossMemory states(NDArray encoded, NDArray mask) {
    return CrossMemory.ofStates(encoded, config.heads(), Ops.keyMask(mask, CROSS_MASK));
  }

  /** Position i sees 0 to i. */
  DecoderLayout causal(NDManager manager, int length) {
    return tree(manager, IntStream.range(-1, length - 1).toArray());
  }

  /** Position i sees its ancestors and itself; parents[i] is less than i, -1 for a root. */
  DecoderLayout tree(NDManager manager, int[] parents) {
    int n = parents.length;
    int[] depth = new int[n];
    float[] unseen = new float[n * n];
    for (int i = 0; i < n; i++) {
      if (parents[i] < -1 || parents[i] >= i) {
        throw new IllegalArgumentException(
            "position " + i + " needs a parent before it or -1; it has " + parents[i]);
      }
      depth[i] = parents[i] < 0 ? 0 : depth[parents[i]] + 1;
      for (int j = 0; j < n; j++) {
        boolean seen = j == i || (parents[i] >= 0 && unseen[parents[i] * n + j] == 0);
        unseen[i * n + j] = seen ? 0 : UNSEEN;
      }
    }
    NDArray bias = positions.between(manager, depth, depth); // [1, H, N, N]
    NDArray mask = manager.create(unseen, new Shape(1, 1, n, n));
    return new DecoderLayout(depth, Ops.addInPlace(bias, mask));
  }

  /** ids [B, N] int64 -> hidden states [B, N, d]. */
  NDArray decode(NDArray ids, DecoderLayout layout, CrossMemory memory, AdapterHook adapters) {
    NDArray crossBias = crossBias(ids.getManager(), layout.depth(), memory);
    NDArray x = adapters.dropout(Ops.gatherRows(embeddings, ids)); // [B, N, d]
    for (int i = 0; i < blocks.size(); i++) {
      x = layer(i, x, layout.selfBias(), heads -> heads, memory, crossBias, adapters);
    }
    return adapters.dropout(finalNorm.apply(x));
  }

  /** One more position: ids [B, 1] int64 -> hidden states [B, 1, d]. */
  NDArray step(NDArray ids, KeyValueCache cache, CrossMemory memory, AdapterHook adapters) {
    int[] position = {cache.length()};
    int[] all = IntStream.rangeClosed(0, cache.length()).toArray();
    NDArray selfBias = positions.between(ids.getManager(), position, all); // [1, H, 1, N]
    return more(ids, position, selfBias, cache, memory, adapters);
  }

  /** One more level of a tree per row: ids [B, M] -> [B, M, d]; see {@link T5#extend}. */
  NDArray extend(
      NDArray ids,
      int[] depths,
      NDArray seen,
      KeyValueCache cache,
      CrossMemory memory,
      AdapterHook adapters) {
    int nodes = (int) ids.getShape().get(1);
    int[] level = Arrays.copyOfRange(depths, depths.length - nodes, depths.length);
    NDArray bias = positions.between(ids.getManager(), level, depths); // [1, H, M, N]
    return more(ids, level, bias.add(seen), cache, memory, adapters);
  }

  private NDArray more(
      NDArray ids,
      int[] depth,
      NDArray selfBias,
      KeyValueCache cache,
      CrossMemory memory,
      AdapterHook adapters) {
    NDArray crossBias = crossBias(ids.getManager(), depth, memory);
    NDArray x = adapters.dropout(Ops.gatherRows(embeddings, ids)); // [B, M, d]
    for (int i = 0; i < blocks.size(); i++) {
      int layer = i;
      x = layer(i, x, selfBias, h -> cache.append(layer, h), memory, crossBias, adapters);
    }
    return adapters.dropout(finalNorm.apply(x));
  }

  private NDArray layer(
      int i,
      NDArray x,
      NDArray selfBias,
      UnaryOperator<Attention.Heads> before,
      CrossMemory memory,
      NDArray crossBias,
      AdapterHook adapters) {
    Block block = blocks.get(i);
    NDArray attended =
        Ops.step(
            () -> {
              Attention.Heads heads = before.apply(block.self.project(block.selfNorm.apply(x)));
              NDArray y =
                  block.self.attend(heads.query(), heads.key(), heads.value(), selfBias, adapters);
              y = adapters.apply(y, Stack.DECODER, i, Position.SELF_ATTENTION);
              return Ops.addInPlace(x, adapters.dropout(y));
            });
    NDArray crossed =
        Ops.step(
            () -> {
              NDArray y = block.crossNorm.apply(attended);
              y = memory.attend(block.cross, i, y, crossBias, adapters);
              return Ops.addInPlace(attended, adapters.dropout(y));
            });
    return Ops.step(
        () -> {
          NDArray y = block.ff.apply(block.feedForwardNorm.apply(crossed), adapters);
          y = adapters.apply(y, Stack.DECODER, i, Position.FEED_FORWARD);
          return Ops.addInPlace(crossed, adapters.dropout(y));
        });
  }

  /** [B, 1, 1, S], or with relative positions [B, H, N, S]. */
  private NDArray crossBias(NDManager manager, int[] depth, CrossMemory memory) {
    if (crossPositions == null) {
      return memory.mask();
    }
    int[] source = IntStream.range(0, memory.sourceLength()).toArray();
    return crossPositions.between(manager, depth, source).add(memory.mask());
  }
}
