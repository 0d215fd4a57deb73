package io.hyperstream.model.t5;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Backbone;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import io.hyperstream.model.tensor.Scalar;
import io.hyperstream.model.tensor.Workers;
import java.util.List;
import java.util.Optional;

/**
 * A T5 (v1.0, v1.1 or Flan) with frozen weights. Encode a batch once, then decode against its
 * {@link CrossMemory}: whole sequences or label trees with {@link #decode}, or position by position
 * with {@link #step}.
 *
 * <p>Immutable after loading: any number of threads may use it at once. Results live in the
 * caller's scope ({@link Ops#scope()}). Inputs must be made by a manager on the model's device,
 * {@link #manager()} for one.
 */
public final class T5 implements Backbone {
  private static final List<String> EMBEDDINGS =
      List.of("shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight");

  /** Of the scores of {@link #extend}, where a node does not see another. */
  public static final float UNSEEN = T5Decoder.UNSEEN;

  private final T5Config config;
  private final NDManager manager;
  private final T5Encoder encoder;
  private final T5Decoder decoder;
  private final NDArray output; // [V, d]
  private final Scalar outputScale;

  private T5(T5Config config, NDManager manager, TensorSource source, Precision precision) {
    this.config = config;
    this.manager = manager;
    String name =
        EMBEDDINGS.stream()
            .filter(source::has)
            .findFirst()
            .orElseThrow(() -> source.missing(EMBEDDINGS.get(0)));
    NDArray shared = source.read(manager, name, config.vocabSize(), config.dModel());
    encoder = new T5Encoder(source, manager, config, shared, precision);
    decoder = new T5Decoder(source, manager, config, shared, precision);
    output =
        config.tiedEmbeddings()
            ? shared
            : source.read(manager, "lm_head.weight", config.vocabSize(), config.dModel());
    outputScale = new Scalar(Math.pow(config.dModel(), -0.5));
  }

  /** Loads the weights to the default device. */
  public static T5 load(T5Config config, TensorSource source) {
    return load(config, source, Optional.empty(), Precision.F32);
  }

  /**
   * Loads the weights.
   *
   * @param device where to; empty for the default device
   * @param precision of products with the weights while nothing is recorded
   * @throws CheckpointException if a tensor is missing or has another shape than configured
   */
  public static T5 load(
      T5Config config, TensorSource source, Optional<Device> device, Precision precision) {
    NDManager manager = device.map(Ops::newManager).orElseGet(Ops::newManager);
    try {
      return new T5(config, manager, source, precision);
    } catch (RuntimeException | Error e) {
      manager.close();
      throw e;
    }
  }

  public T5Config config() {
    return config;
  }

  @Override
  public BackboneShape shape() {
    return config.shape();
  }

  @Override
  public Encoded encode(TokenBatch batch, AdapterHook adapters, Workers workers) {
    return encoder.encode(this, batch, adapters, workers);
  }

  @Override
  public NDManager manager() {
    return manager;
  }

  /**
   * Runs the encoder.
   *
   * @param ids [B, S] int64
   * @param mask [B, S] float32, 1 for a token, 0 for the padding behind them
   * @return last hidden states [B, S, d]; those of padding are anything
   */
  public NDArray encode(NDArray ids, NDArray mask, AdapterHook adapters) {
    return Ops.recording()
        ? encoder.plain(ids, mask, adapters)
        : encode(TokenBatch.padded(this, ids, mask), adapters).states();
  }

  /**
   * Prepares cross-attention to an encoded batch.
   *
   * @param encoded [B, S, d] of {@link #encode}
   * @param mask [B, S] float32
   */
  public CrossMemory attendTo(NDArray encoded, NDArray mask) {
    return attendTo(remember(encoded, mask));
  }

  /** The same for an encoded batch. */
  public CrossMemory attendTo(Encoded encoded) {
    return attendTo(encoded.states(), encoded.mask());
  }

  /**
   * The same for what {@link #remember} kept: pays from about as many target positions per row as
   * {@link #fewPositions} says.
   */
  public CrossMemory attendTo(CrossMemory states) {
    return decoder.attendTo(states);
  }

  /**
   * What the decoder needs to attend to an encoded batch with few target positions per row: nothing
   * is computed yet.
   *
   * @param encoded [B, S, d] of {@link #encode}
   * @param mask [B, S] float32
   */
  public CrossMemory remember(NDArray encoded, NDArray mask) {
    return decoder.states(encoded, mask);
  }

  /**
   * Up to how many target positions per row it is cheaper to attend to an encoded batch's states
   * than to make keys and values of them. Multiplications are equal at twice as many; but the
   * products are smaller and run less fast.
   */
  public int fewPositions(int sourceLength) {
    double d = config.dModel();
    double inner = config.innerWidth();
    double made = sourceLength * d * inner;
    double perPosition = d * inner + sourceLength * (config.heads() * d - inner);
    return (int) (made / perPosition / 2);
  }

  /** The layout of an ordinary sequence: each position sees itself and those before it. */
  public DecoderLayout causal(int length) {
    return decoder.causal(manager, length);
  }

  /**
   * The layout of a tree: each position sees itself and its ancestors, at their distance in depth,
   * so that every path from the root computes what it would as a sequence of its own.
   *
   * @param parents [N] of each position: an earlier one, -1 for the start token
   */
  public DecoderLayout tree(int[] parents) {
    return decoder.tree(manager, parents);
  }

  /**
   * Runs the decoder over all positions of a layout.
   *
   * @param ids [B, N] int64, the first of them the start token
   * @return hidden states [B, N, d]
   */
  public NDArray decode(
      NDArray ids, DecoderLayout layout, CrossMemory memory, AdapterHook adapters) {
    return decoder.decode(ids, layout, memory, adapters);
  }

  /** An empty cache for {@link #step}; the caller closes it. */
  public KeyValueCache newCache() {
    return new KeyValueCache(config.decoderLayers());
  }

  /**
   * Decodes one more position of each row.
   *
   * @param ids [B, 1] int64
   * @return hidden states [B, 1, d]
   */
  public NDArray step(NDArray ids, KeyValueCache cache, CrossMemory memory, AdapterHook adapters) {
    return decoder.step(ids, cache, memory, adapters);
  }

  /**
   * Decodes one more level of a tree of each row, against the levels before it.
   *
   * @param ids [B, M] int64, the level's nodes
   * @param depths [N] of all nodes, those of this level last
   * @param seen [B, 1, M, N] added to the scores: 0 where a node sees another (its ancestors and
   *     itself), {@link #UNSEEN} elsewhere
   * @return hidden states [B, M, d]
   */
  public NDArray extend(
      NDArray ids,
      int[] depths,
      NDArray seen,
      KeyValueCache cache,
      CrossMemory memory,
      AdapterHook adapters) {
    return decoder.extend(ids, depths, seen, cache, memory, adapters);
  }

  /**
   * Decodes each row of an encoded batch from the start token. Inference only.
   *
   * @return one per row
   */
  public List<Generated> generate(
      CrossMemory memory, AdapterHook adapters, GenerationOptions options) {
    return options.beams() == 1
        ? GreedySearch.run(this, memory, adapters, options)
        : BeamSearch.run(this, memory, adapters, options);
  }

  /** Hidden states [.., d] to vocabulary scores [.., V]. */
  public NDArray logits(NDArray hidden) {
    return Ops.linear(config.scaledOutput() ? Ops.mul(hidden, outputScale) : hidden, output);
  }

  /** Frees the weights; nothing may use the model any more. */
  @Override
  public void close() {
    manager.close();
  }
}
