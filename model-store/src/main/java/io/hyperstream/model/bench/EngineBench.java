package io.hyperstream.model.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.evaluation.RandomWeights;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.t5.AdapterHook;
import io.hyperstream.model.t5.CrossMemory;
import io.hyperstream.model.t5.GenerationOptions;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the engine makes of the machine: a batch encoded and its first target position scored over
 * the whole vocabulary (what classification by single-token labels costs), bare and with the
 * adapters of several tasks, beside the matrix products of the same sizes; and greedy decoding.
 */
public final class EngineBench {
  private static final int DECODED_TOKENS = 8;

  /**
   * What to run.
   *
   * @param rows texts in a batch
   * @param sourceLength tokens of each, no padding
   * @param tasks how many tasks share the batch
   * @param rounds repetitions
   */
  public record Options(ModelShape shape, int rows, int sourceLength, int tasks, int rounds) {
    public Options {
      require("rows", rows, 4096);
      require("source length", sourceLength, 4096);
      require("tasks", tasks, rows);
      require("rounds", rounds, 10_000);
    }

    private static void require(String what, int value, int max) {
      if (value < 1 || value > max) {
        throw new IllegalArgumentException(what + " must be 1 to " + max + "; it is " + value);
      }
    }
  }

  private final Options options;
  private final T5 t5;
  private final List<AdapterWeights> weights; // of each row
  private final NDArray ids;
  private final NDArray mask;

  private EngineBench(Options options, T5 t5, AdapterFactory factory, NDManager manager) {
    this.options = options;
    this.t5 = t5;
    List<AdapterWeights> ofTasks = new ArrayList<>();
    for (int task = 0; task < options.tasks(); task++) {
      float[] embedding = factory.taskEmbeddings().get("bench").clone();
      embedding[0] += task;
      ofTasks.addAll(factory.generate(List.of(embedding)));
    }
    weights = new ArrayList<>();
    for (int row = 0; row < options.rows(); row++) {
      weights.add(ofTasks.get(row * options.tasks() / options.rows()));
    }
    Shape shape = new Shape(options.rows(), options.sourceLength());
    ids = manager.randomInteger(2, t5.config().vocabSize(), shape, DataType.INT64);
    mask = manager.ones(shape);
  }

  /** Measures. */
  public static List<BenchRow> run(Options options) {
    boolean recording = Ops.setRecording(false);
    T5Config config = options.shape().t5();
    RandomWeights random = new RandomWeights(1);
    try (T5 t5 = T5.load(config, random);
        AdapterFactory factory = AdapterFactory.load(config, options.shape().adapters(), random);
        NDManager manager = Ops.newManager()) {
      return new EngineBench(options, t5, factory, manager).measure(manager);
    } finally {
      Ops.setRecording(recording);
    }
  }

  private List<BenchRow> measure(NDManager manager) {
    T5Config config = t5.config();
    int tokens = options.rows() * options.sourceLength();
    GemmBench.Ceiling ceiling = GemmBench.ceiling(manager, tokens, config.dModel(), config.dFf());
    List<Samples> seconds =
        Samples.inTurn(
            1,
            options.rounds(),
            List.of(
                ceiling.work(),
                () -> score(AdapterHook.NONE),
                this::scoreWithAdapters,
                () -> decode(AdapterHook.NONE)));
    Samples gemm = seconds.get(0).rate(ceiling.gigaflop());
    Samples bare = seconds.get(1).rate(options.rows());
    Samples adapted = seconds.get(2).rate(options.rows());
    Samples flops = seconds.get(1).rate(gigaflop(config, options.rows(), options.sourceLength()));

    List<BenchRow> rows = new ArrayList<>();
    rows.add(row("gemm", gemm, "GFLOP/s"));
    rows.add(row("engine.gflops", flops, "GFLOP/s").comparedTo("gemm", gemm.median()));
    rows.add(row("engine.bare", bare, "examples/s"));
    rows.add(
        row("engine.adapters", adapted, "examples/s").comparedTo("engine.bare", bare.median()));
    rows.add(row("engine.tokens", seconds.get(2).rate(tokens), "tokens/s"));
    double decoded = (double) options.rows() * DECODED_TOKENS;
    rows.add(row("engine.greedy", seconds.get(3).rate(decoded), "decoded tokens/s"));
    return rows;
  }

  private BenchRow row(String bench, Samples rate, String unit) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model", options.shape().label());
    config.put("rows", options.rows());
    config.put("sourceLength", options.sourceLength());
    config.put("tasks", options.tasks());
    config.put("threads", Ops.threads());
    return BenchRow.of(bench, config, rate, unit);
  }

  private void scoreWithAdapters() {
    try (BatchAdapters adapters = BatchAdapters.of(weights)) {
      score(adapters);
    }
  }

  private void score(AdapterHook adapters) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      CrossMemory memory = t5.attendTo(t5.encode(ids, mask, adapters), mask);
      NDArray start = t5.manager().zeros(new Shape(options.rows(), 1), DataType.INT64);
      NDArray hidden = t5.decode(start, t5.causal(1), memory, adapters); // [B, 1, d]
      GemmBench.finish(Ops.logSoftmax(t5.logits(hidden)));
    }
  }

  /** With the encoder: what a generated answer of some tokens costs. */
  private void decode(AdapterHook adapters) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      CrossMemory memory = t5.attendTo(t5.encode(ids, mask, adapters), mask);
      t5.generate(memory, adapters, GenerationOptions.greedy(DECODED_TOKENS + 1));
    }
  }

  /** Multiplications and additions of the matrix products in one scored batch, in 10^9. */
  static double gigaflop(T5Config c, int rows, int sourceLength) {
    double d = c.dModel();
    double inner = c.innerWidth();
    double feedForward = d * c.dFf() * (c.gated() ? 3 : 2);
    double tokens = (double) rows * sourceLength;
    double encoder =
        c.encoderLayers() * tokens * (4 * d * inner + feedForward + 2 * sourceLength * inner);
    double perTarget = 6 * d * inner + feedForward + 2 * (1 + sourceLength) * inner;
    double decoder = c.decoderLayers() * (tokens * 2 * d * inner + rows * perTarget);
    double output = rows * d * c.vocabSize();
    return 2 * (encoder + decoder + output) / 1e9;
  }
}
