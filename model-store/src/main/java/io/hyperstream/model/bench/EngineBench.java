package io.hyperstream.model.bench;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.t5.CrossMemory;
import io.hyperstream.model.t5.GenerationOptions;
import io.hyperstream.model.t5.LabelSpace;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.IntFunction;

/**
 * What the engine makes of the machine: the encoder alone, whole classification batches as they are
 * served (encoder, label scores, results), bare and with adapters of many tasks, and greedy
 * decoding where there is a decoder, beside matrix products of the encoder's sizes.
 */
public final class EngineBench {
  private static final int DECODED_TOKENS = 8;

  /**
   * What to run.
   *
   * @param batch texts in a batch
   * @param seq tokens of each, no padding
   * @param labels of each task
   * @param labelTokens tokens of each label
   * @param tasks how many tasks the rows are drawn from
   * @param rounds repetitions
   */
  public record Options(
      BenchSource source,
      int batch,
      int seq,
      int labels,
      int labelTokens,
      int tasks,
      TaskMix mix,
      int rounds) {
    public Options {
      require("batch", batch, 1, 4096);
      require("seq", seq, 2, 4096);
      require("labels", labels, 2, TaskDefinition.MAX_LABELS);
      require("label-tokens", labelTokens, 1, LabelSpace.MAX_LABEL_TOKENS - 1);
      require("tasks", tasks, 1, 100_000);
      require("rounds", rounds, 1, 10_000);
    }
  }

  static void require(String what, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          what + " must be " + min + " to " + max + "; it is " + value);
    }
  }

  private final Options options;
  private final BenchModel bench;
  private final List<TokenSequence> sequences;
  private final Random random = new Random(3);

  private EngineBench(Options options, BenchModel bench) {
    this.options = options;
    this.bench = bench;
    sequences = bench.sequences(options.batch(), options.seq());
  }

  /** Measures. */
  public static List<BenchRow> run(Options options) {
    boolean recording = Ops.setRecording(false);
    ModelOptions serving =
        ModelOptions.DEFAULT
            .withIntraOpThreads(Ops.threads())
            .withMaxBatchTokens(options.batch() * (options.seq() + 8));
    try (BenchModel bench = BenchModel.open(options.source(), serving)) {
      if (options.labels() > bench.mostLabels()) {
        throw new IllegalArgumentException(
            "labels must be at most " + bench.mostLabels() + " with this model's tokenizer");
      }
      bench.requireLength(options.seq());
      return new EngineBench(options, bench).measure();
    } finally {
      Ops.setRecording(recording);
    }
  }

  private List<BenchRow> measure() {
    int batch = options.batch();
    int tokens = batch * options.seq();
    boolean adapters = bench.model.loaded().adapters().isPresent();
    try (NDManager manager = Ops.newManager()) {
      GemmBench.Ceiling ceiling =
          GemmBench.ceiling(manager, tokens, bench.backbone().shape().width(), bench.feedForward());
      List<Samples.Work> works = new ArrayList<>();
      works.add(ceiling.work());
      works.add(this::encode);
      works.add(() -> predict(BenchModel::bare));
      if (adapters) {
        works.add(() -> predict(bench::adapter));
      }
      bench.decoder().ifPresent(t5 -> works.add(() -> decode(t5)));
      List<Samples> seconds = Samples.inTurn(2, options.rounds(), works);
      Samples gemm = seconds.get(0).rate(ceiling.gigaflop());
      Samples encoder = seconds.get(1).rate(bench.encoderGigaflop(batch, options.seq()));
      Samples whole = seconds.get(2).rate(gigaflop());
      Samples bare = seconds.get(2).rate(batch);
      List<BenchRow> rows = new ArrayList<>();
      rows.add(row("gemm", gemm, "GFLOP/s"));
      rows.add(row("engine.encoder", encoder, "GFLOP/s").comparedTo("gemm", encoder.over(gemm)));
      rows.add(row("engine.batch", whole, "GFLOP/s").comparedTo("gemm", whole.over(gemm)));
      rows.add(row("engine.bare", bare, "examples/s"));
      if (adapters) {
        Samples adapted = seconds.get(3).rate(batch);
        rows.add(
            row("engine.adapters", adapted, "examples/s")
                .comparedTo("engine.bare", adapted.over(bare)));
        rows.add(row("engine.tokens", seconds.get(3).rate(tokens), "tokens/s"));
      }
      if (bench.decoder().isPresent()) {
        Samples decoded = seconds.get(seconds.size() - 1);
        rows.add(
            row(
                "engine.greedy",
                decoded.rate((double) batch * DECODED_TOKENS),
                "decoded tokens/s"));
        rows.add(row("engine.greedy-batch", decoded.rate(batch), "examples/s"));
      }
      return rows;
    }
  }

  /** Of a whole batch; an encoder's labels cost next to nothing, their vectors being kept. */
  private double gigaflop() {
    return bench
        .decoder()
        .map(t5 -> gigaflop(t5.config(), options.batch(), options.seq(), positions()))
        .orElseGet(() -> bench.encoderGigaflop(options.batch(), options.seq()));
  }

  private BenchRow row(String name, Samples rate, String unit) {
    return BenchRow.of(name, config(), rate, unit);
  }

  private Map<String, Object> config() {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model", bench.label);
    config.put("batch", options.batch());
    config.put("seq", options.seq());
    config.put("labels", options.labels());
    config.put("labelTokens", options.labelTokens());
    config.put("tasks", options.tasks());
    config.put("dist", options.mix().name().toLowerCase(Locale.ROOT));
    config.put("threads", Ops.threads());
    return config;
  }

  /** Decoder positions one row's labels take. */
  private int positions() {
    TaskDefinition task = task(0);
    return bench.labelSpace(task).nodes();
  }

  private TaskDefinition task(int number) {
    return bench.task(number, options.labels(), options.labelTokens(), LabelScoring.EXACT);
  }

  private void encode() {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      GemmBench.finish(bench.encode(sequences, AdapterHook.NONE).states());
    }
  }

  private void predict(IntFunction<TaskAdapter> adapters) {
    Map<Integer, TaskDefinition> tasks = new LinkedHashMap<>();
    List<PreparedRow> rows = new ArrayList<>();
    for (int task : options.mix().draw(options.tasks(), options.batch(), random)) {
      TaskDefinition definition = tasks.computeIfAbsent(task, this::task);
      rows.add(bench.row(definition, adapters.apply(task), options.seq(), random));
    }
    bench.predict(rows);
  }

  /** With the encoder: what a generated answer of some tokens costs. */
  private void decode(T5 t5) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      CrossMemory memory = t5.attendTo(bench.encode(sequences, AdapterHook.NONE));
      t5.generate(memory, AdapterHook.NONE, GenerationOptions.greedy(DECODED_TOKENS + 1));
    }
  }

  /** Multiplications and additions of the encoder's matrix products, in 10^9. */
  static double encoderGigaflop(T5Config c, int rows, int seq) {
    double d = c.dModel();
    double inner = c.innerWidth();
    double feedForward = d * c.dFf() * (c.gated() ? 3 : 2);
    double tokens = (double) rows * seq;
    return 2 * c.encoderLayers() * tokens * (4 * d * inner + feedForward + 2 * seq * inner) / 1e9;
  }

  /**
   * The same of a whole batch scored: the encoder, keys and values for the decoder, and of each row
   * some decoder positions, each with all vocabulary scores.
   */
  static double gigaflop(T5Config c, int rows, int seq, int positions) {
    double d = c.dModel();
    double inner = c.innerWidth();
    double feedForward = d * c.dFf() * (c.gated() ? 3 : 2);
    double tokens = (double) rows * seq;
    double perTarget = 6 * d * inner + feedForward + 2 * (positions + seq) * inner;
    double targets = (double) rows * positions;
    double decoder = c.decoderLayers() * (tokens * 2 * d * inner + targets * perTarget);
    double output = targets * d * c.vocabSize();
    return encoderGigaflop(c, rows, seq) + 2 * (decoder + output) / 1e9;
  }
}
