package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.Linear;
import io.hyperstream.model.backbone.PackedEncoder;
import io.hyperstream.model.backbone.PackedPart;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Kernels;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import io.hyperstream.model.tensor.Scalar;
import io.hyperstream.model.tensor.Workers;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** T5's encoder. Immutable, any thread. */
final class T5Encoder {
  /** As the reference: what padding keys lose in self-attention. */
  static final Scalar SELF_MASK = new Scalar(10_000);

  private record Block(
      RmsNorm attentionNorm, Attention attention, RmsNorm feedForwardNorm, FeedForward ff) {
    List<Linear> linears() {
      List<Linear> all =
          new ArrayList<>(List.of(attention.qkv(), attention.out(), ff.in(), ff.out()));
      ff.gate().ifPresent(all::add);
      return all;
    }

    /** In the order of t5.py. */
    void addTo(List<NDArray> kernel) {
      kernel.add(attentionNorm.weight());
      kernel.add(attention.qkv().packed().orElseThrow());
      kernel.add(attention.out().packed().orElseThrow());
      kernel.add(feedForwardNorm.weight());
      kernel.add(ff.in().packed().orElseThrow());
      kernel.add(ff.gate().orElse(ff.in()).packed().orElseThrow());
      kernel.add(ff.out().packed().orElseThrow());
    }
  }

  private final NDArray embeddings; // [V, d]
  private final T5Config config;
  private final Kernels kernels;
  private final List<NDArray> packed = new ArrayList<>(); // of the layers' kernel
  private final boolean frozen;
  private final Network network = new Network();
  private final RelativePositionBias positions;
  private final List<Block> blocks = new ArrayList<>();
  private final RmsNorm finalNorm;

  T5Encoder(
      TensorSource source,
      NDManager manager,
      T5Config config,
      NDArray embeddings,
      Precision precision) {
    this.config = config;
    this.kernels = Kernels.of(manager.getDevice());
    this.embeddings = embeddings;
    positions =
        new RelativePositionBias(
            source, manager, "encoder.block.0.layer.0.SelfAttention", config, true);
    for (int i = 0; i < config.encoderLayers(); i++) {
      String layer = "encoder.block." + i + ".layer.";
      blocks.add(
          new Block(
              new RmsNorm(source, manager, layer + "0.layer_norm", config),
              Attention.self(source, manager, layer + "0.SelfAttention", config, precision),
              new RmsNorm(source, manager, layer + "1.layer_norm", config),
              new FeedForward(source, manager, layer + "1.DenseReluDense", config, precision)));
    }
    finalNorm = new RmsNorm(source, manager, "encoder.final_layer_norm", config);
    frozen =
        blocks.stream()
            .flatMap(block -> block.linears().stream())
            .allMatch(linear -> linear.packed().isPresent());
    if (frozen) {
      blocks.forEach(block -> block.addTo(packed));
      packed.add(finalNorm.weight());
      packed.add(blocks.get(0).ff.in().kind());
    }
  }

  /** States [B, S, d]; those of padding are anything. */
  Encoded encode(T5 t5, TokenBatch batch, AdapterHook adapters, Workers workers) {
    return PackedEncoder.encode(t5, network, batch, adapters, workers, false)
        .orElseGet(
            () -> {
              NDArray states = plain(batch.ids(), batch.mask(), adapters);
              int computed = batch.rows() * batch.length();
              return new Encoded(states, Optional.empty(), batch.mask(), computed);
            });
  }

  private final class Network implements PackedEncoder.Network {
    @Override
    public boolean frozen() {
      return frozen;
    }

    @Override
    public int layers() {
      return blocks.size();
    }

    @Override
    public NDArray embed(PackedPart part) {
      return Ops.gatherRows(embeddings, part.ids()); // [N, d]
    }

    @Override
    public NDArray layers(NDArray x, PackedPart part, int first, int last) {
      NDArray mask = part.keyMask(SELF_MASK.value()); // [R, 1, 1, S]
      int[] range = IntStream.range(0, part.length()).toArray();
      NDArray bias = positions.between(mask.getManager(), range, range).add(mask); // [R, H, S, S]
      return part.call(
          kernels,
          "t5_layers",
          x,
          List.of(part.pad(), part.unpad(), bias),
          new long[] {part.rows(), part.length(), config.heads(), config.gated() ? 1 : 0},
          packed,
          first,
          last,
          config.layerNormEps(),
          config.activation().configName());
    }
  }

  /** The same in plain operations: ids [B, S] int64, mask [B, S] float -> [B, S, d]. */
  NDArray plain(NDArray ids, NDArray mask, AdapterHook adapters) {
    int[] range = IntStream.range(0, (int) ids.getShape().get(1)).toArray();
    NDArray bias =
        positions
            .between(ids.getManager(), range, range) // [1, H, S, S]
            .add(Ops.keyMask(mask, SELF_MASK)); // [B, H, S, S]
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
