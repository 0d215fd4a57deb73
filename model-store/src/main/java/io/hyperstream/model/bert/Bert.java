package io.hyperstream.model.bert;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Backbone;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.Linear;
import io.hyperstream.model.backbone.PackedEncoder;
import io.hyperstream.model.backbone.PackedPart;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Kernels;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import io.hyperstream.model.tensor.Scalar;
import io.hyperstream.model.tensor.Workers;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * BERT's encoder (Devlin et al., 2019): attention and feed-forward, each with the norm after the
 * residual. Adapters stand where HyperFormer has them: after each output projection, before the
 * residual.
 */
public final class Bert implements Backbone {
  /** What padding keys lose in attention. */
  private static final Scalar MASK = new Scalar(1e9);

  /** Weight names may start with the network's own name. */
  private static final List<String> PREFIXES = List.of("", "bert.", "roberta.");

  private record Norm(NDArray weight, NDArray bias, double eps) {
    NDArray apply(NDArray x) {
      return Ops.layerNorm(x, weight, bias, eps);
    }
  }

  /**
   * @param qkv [3 d, d], queries, keys and values on top of each other
   * @param out [d, d]
   * @param wide [f, d]
   * @param narrow [d, f]
   */
  private record Layer(
      Linear qkv, Linear out, Norm attentionNorm, Linear wide, Linear narrow, Norm outputNorm) {

    /** In the order of bert.py. */
    void addTo(List<NDArray> kernel) {
      add(qkv, kernel);
      add(out, kernel);
      kernel.add(attentionNorm.weight);
      kernel.add(attentionNorm.bias);
      add(wide, kernel);
      add(narrow, kernel);
      kernel.add(outputNorm.weight);
      kernel.add(outputNorm.bias);
    }

    boolean frozen() {
      return Stream.of(qkv, out, wide, narrow).allMatch(linear -> linear.packed().isPresent());
    }

    private static void add(Linear linear, List<NDArray> kernel) {
      linear.packed().ifPresent(kernel::add);
      kernel.add(linear.packedBias());
    }
  }

  private final BertConfig config;
  private final BackboneShape shape;
  private final NDManager manager;
  private final NDArray words; // [V, d]
  private final NDArray positions; // [P, d]
  private final NDArray segments; // [2, d]
  private final Norm embeddingNorm;
  private final List<Layer> layers = new ArrayList<>();
  private final Scalar scale; // of queries: k^-0.5
  private final Kernels kernels;
  private final List<NDArray> tables; // of the kernel that embeds
  private final List<NDArray> packed = new ArrayList<>(); // of the layers' kernel
  private final boolean frozen;
  private final Network network = new Network();

  private Bert(
      BertConfig config,
      int maxTokens,
      NDManager manager,
      TensorSource source,
      Precision precision) {
    this.config = config;
    this.kernels = Kernels.of(manager.getDevice());
    this.shape = config.shape(Math.min(maxTokens, config.maxTokens()));
    this.manager = manager;
    Weights weights = new Weights(source, manager, prefix(source), config, precision);
    int d = config.width();
    words = weights.tensor("embeddings.word_embeddings.weight", config.vocabulary(), d);
    positions = weights.tensor("embeddings.position_embeddings.weight", config.positions(), d);
    segments = weights.tensor("embeddings.token_type_embeddings.weight", config.segments(), d);
    embeddingNorm = weights.norm("embeddings.LayerNorm");
    for (int i = 0; i < config.layers(); i++) {
      String name = "encoder.layer." + i + ".";
      layers.add(
          new Layer(
              weights.linear(
                  List.of("query", "key", "value").stream()
                      .map(part -> name + "attention.self." + part)
                      .toList(),
                  d,
                  d),
              weights.linear(List.of(name + "attention.output.dense"), d, d),
              weights.norm(name + "attention.output.LayerNorm"),
              weights.linear(List.of(name + "intermediate.dense"), config.feedForward(), d),
              weights.linear(List.of(name + "output.dense"), d, config.feedForward()),
              weights.norm(name + "output.LayerNorm")));
    }
    scale = new Scalar(Math.pow(config.headWidth(), -0.5));
    NDArray segmentRows =
        config.segments() > 1
            ? segments
            : Ops.own(manager, Ops.concat(List.of(segments, segments), 0));
    tables = List.of(words, positions, segmentRows, embeddingNorm.weight, embeddingNorm.bias);
    layers.forEach(layer -> layer.addTo(packed));
    frozen = layers.stream().allMatch(Layer::frozen);
  }

  /**
   * Loads the weights.
   *
   * @param maxTokens longest sequence; at most the position table's
   * @param device where to; empty for the default device
   * @param precision of products with the weights while nothing is recorded
   * @throws CheckpointException if a tensor is missing or has another shape than configured
   */
  public static Bert load(
      BertConfig config,
      int maxTokens,
      TensorSource source,
      Optional<Device> device,
      Precision precision) {
    NDManager manager = device.map(Ops::newManager).orElseGet(Ops::newManager);
    try {
      return new Bert(config, maxTokens, manager, source, precision);
    } catch (RuntimeException | Error e) {
      manager.close();
      throw e;
    }
  }

  private static String prefix(TensorSource source) {
    String first = "embeddings.word_embeddings.weight";
    return PREFIXES.stream()
        .filter(prefix -> source.has(prefix + first))
        .findFirst()
        .orElseThrow(() -> source.missing(first));
  }

  private record Weights(
      TensorSource source,
      NDManager manager,
      String prefix,
      BertConfig config,
      Precision precision) {
    NDArray tensor(String name, long... shape) {
      return source.read(manager, prefix + name, shape);
    }

    /** Products of one input as one. */
    Linear linear(List<String> names, long out, long in) {
      return Linear.read(
          source,
          manager,
          precision,
          names.stream().map(name -> prefix + name + ".weight").toList(),
          names.stream().map(name -> prefix + name + ".bias").toList(),
          out,
          in);
    }

    /** Old checkpoints, bert-base-uncased among them, have gamma and beta. */
    Norm norm(String name) {
      long d = config.width();
      boolean old = !source.has(prefix + name + ".weight") && source.has(prefix + name + ".gamma");
      return new Norm(
          tensor(name + (old ? ".gamma" : ".weight"), d),
          tensor(name + (old ? ".beta" : ".bias"), d),
          config.layerNormEps());
    }
  }

  public BertConfig config() {
    return config;
  }

  @Override
  public BackboneShape shape() {
    return shape;
  }

  @Override
  public NDManager manager() {
    return manager;
  }

  @Override
  public Encoded encode(TokenBatch batch, AdapterHook adapters, Workers workers) {
    if (batch.length() > TokenBatch.paddedLength(shape.maxTokens())) {
      throw new IllegalArgumentException(
          "a sequence of this model has at most %d tokens; got %d"
              .formatted(shape.maxTokens(), batch.length()));
    }
    return PackedEncoder.encode(this, network, batch, adapters, workers, true)
        .orElseGet(() -> states(batch, adapters, workers));
  }

  private final class Network implements PackedEncoder.Network {
    @Override
    public boolean frozen() {
      return frozen;
    }

    @Override
    public int layers() {
      return layers.size();
    }

    @Override
    public NDArray embed(PackedPart part) {
      return kernels.call(
          "bert_embed",
          part.ids(),
          part.places(config.firstPosition()),
          part.segments(),
          tables,
          config.layerNormEps());
    }

    @Override
    public NDArray layers(NDArray x, PackedPart part, int first, int last) {
      List<NDArray> layout = List.of(part.pad(), part.unpad(), part.keyMask(MASK.value()));
      return part.call(
          kernels,
          "bert_layers",
          x,
          layout,
          new long[] {part.rows(), part.length(), config.heads()},
          packed,
          first,
          last,
          config.layerNormEps(),
          config.activation().configName(),
          (double) scale.value());
    }
  }

  private Encoded states(TokenBatch batch, AdapterHook adapters, Workers workers) {
    NDArray bias = Ops.keyMask(batch.mask(), MASK); // [B, 1, 1, S]
    int first = frozen && Ops.recording() ? adapters.firstLayer() : 0;
    NDArray x; // [B, S, d]
    NDArray middle;
    if (first > 0) {
      Encoded below = PackedEncoder.below(this, network, batch, workers, first);
      x = below.states();
      middle = below.middle().orElse(x);
    } else {
      x = adapters.dropout(embeddings(batch));
      middle = x;
    }
    for (int i = first; i < layers.size(); i++) {
      x = layer(i, x, bias, adapters);
      if (i == (layers.size() - 1) / 2) {
        middle = x;
      }
    }
    return new Encoded(x, Optional.of(middle), batch.mask(), batch.rows() * batch.length());
  }

  /** [B, S, d]. */
  private NDArray embeddings(TokenBatch batch) {
    return Ops.step(
        () -> {
          int length = batch.length();
          // A batch padded by one beyond the table repeats its last row: padding is masked.
          long[] place =
              LongStream.range(0, length)
                  .map(i -> Math.min(config.firstPosition() + i, config.positions() - 1))
                  .toArray();
          NDArray x = Ops.gatherRows(words, batch.ids()); // [B, S, d]
          x = Ops.addInPlace(x, Ops.gatherRows(positions, manager.create(place))); // [S, d]
          x =
              Ops.addInPlace(
                  x,
                  config.segments() > 1
                      ? Ops.gatherRows(segments, batch.segments()) // [B, S, d]
                      : segments);
          return embeddingNorm.apply(x);
        });
  }

  /** x [B, S, d]; left alone. */
  private NDArray layer(int i, NDArray x, NDArray bias, AdapterHook adapters) {
    Layer layer = layers.get(i);
    NDArray attended =
        Ops.step(
            () -> {
              NDArray y = layer.out.apply(attention(layer, x, bias, adapters)); // [B, S, d]
              y = adapters.apply(y, Stack.ENCODER, i, Position.SELF_ATTENTION);
              return layer.attentionNorm.apply(Ops.addInPlace(adapters.dropout(y), x));
            });
    return Ops.step(
        () -> {
          NDArray y = config.activation().apply(layer.wide.apply(attended)); // [B, S, f]
          y = layer.narrow.apply(y); // [B, S, d]
          y = adapters.apply(y, Stack.ENCODER, i, Position.FEED_FORWARD);
          return layer.outputNorm.apply(Ops.addInPlace(adapters.dropout(y), attended));
        });
  }

  /** The heads' contexts side by side: [B, S, d]. */
  private NDArray attention(Layer layer, NDArray x, NDArray bias, AdapterHook adapters) {
    long b = x.getShape().get(0);
    long s = x.getShape().get(1);
    long heads = config.heads();
    long k = config.headWidth();
    NDArray split =
        layer
            .qkv
            .apply(x) // [B, S, 3 d]
            .reshape(b, s, 3, heads, k)
            .transpose(2, 0, 3, 1, 4) // [3, B, H, S, k]
            .reshape(3, b * heads, s, k);
    NDArray query = Ops.mul(Ops.select(split, 0, 0), scale); // [B H, S, k]
    NDArray scores = Ops.bmm(query, Ops.swapAxes(Ops.select(split, 0, 1), 1, 2)); // [B H, S, S]
    scores = Ops.addInPlace(scores.reshape(b, heads, s, s), bias);
    NDArray weights = adapters.dropout(Ops.softmax(scores)).reshape(b * heads, s, s);
    return Ops.bmm(weights, Ops.select(split, 0, 2)) // [B H, S, k]
        .reshape(b, heads, s, k)
        .transpose(0, 2, 1, 3) // [B, S, H, k]
        .reshape(b, s, heads * k);
  }

  @Override
  public void close() {
    manager.close();
  }
}
