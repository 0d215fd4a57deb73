package io.hyperstream.model.bench;

import ai.djl.Device;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import io.hyperstream.model.tokenize.Tokenizer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * The vectors of texts by the engine and by another program, in turn: the same token ids in the
 * same batches on as many threads. The engine is asked through {@link MultiTaskModel#embed}, as
 * applications ask it.
 */
public final class AgainstBench {
  /** Padded tokens of a batch: what the application allows unless told otherwise. */
  private static final int MAX_BATCH_TOKENS = 8192;

  /** Of a number of a vector of length 1; float32 on both sides stays far below. */
  private static final double MOST_DIFFERENT = 2e-5;

  /** The same where the engine computes in bfloat16, which has 8 bits. */
  private static final double MOST_DIFFERENT_BF16 = 2e-2;

  /**
   * What to run.
   *
   * @param texts what is encoded; empty: one batch of random tokens
   * @param rows texts in a batch, at most
   * @param length tokens of each random text, special ones included
   * @param seconds how long the engine's part of a round lasts, about
   * @param precision of the engine: f32, bf16 or auto
   */
  public record Options(
      StoredModel model,
      OpponentFactory opponents,
      List<String> texts,
      int rows,
      int length,
      int rounds,
      double seconds,
      String precision) {
    public Options {
      Precision.require(precision);
      EngineBench.require("batch", rows, 1, 4096);
      EngineBench.require("seq", length, 3, 4096);
      EngineBench.require("rounds", rounds, 1, 10_000);
      opponents.formats(model.name()); // refuses a model it does not have
      texts = List.copyOf(texts);
    }
  }

  private final Options options;
  private final MultiTaskModel model;
  private final List<List<PreparedRow>> batches;
  private final List<List<int[]>> ids = new ArrayList<>();

  private AgainstBench(Options options, MultiTaskModel model) {
    this.options = options;
    this.model = model;
    batches = Batches.byLength(rows(), options.rows(), maxBatchTokens(options));
    for (List<PreparedRow> batch : batches) {
      ids.add(batch.stream().map(PreparedRow::inputIds).toList());
    }
  }

  /**
   * Measures.
   *
   * @throws IOException if a model cannot be read
   * @throws IllegalStateException if a program that should agree with the engine does not
   */
  public static List<BenchRow> run(Options options) throws IOException {
    boolean recording = Ops.recording();
    ModelOptions serving =
        ModelOptions.DEFAULT
            .withIntraOpThreads(Ops.threads())
            .withPrecision(options.precision())
            // A length is padded to the next even number: no batch is split for that.
            .withMaxBatchTokens(maxBatchTokens(options) + options.rows());
    List<Opponent> opponents = new ArrayList<>();
    try (MultiTaskModel model = MultiTaskModel.open(options.model(), serving)) {
      AgainstBench bench = new AgainstBench(options, model);
      String name = options.model().name();
      for (String format : options.opponents().formats(name)) {
        opponents.add(options.opponents().open(name, format, Ops.threads()));
      }
      return bench.measure(opponents);
    } finally {
      opponents.forEach(Opponent::close);
      Ops.setRecording(recording);
    }
  }

  private static int maxBatchTokens(Options options) {
    return options.texts().isEmpty() ? options.rows() * options.length() : MAX_BATCH_TOKENS;
  }

  private List<PreparedRow> rows() {
    TaskDefinition task =
        BenchModel.definition(
            "bench", List.of(Label.of("yes"), Label.of("no")), LabelScoring.EXACT, List.of());
    TaskAdapter adapter = model.startingAdapter(task);
    List<PreparedRow> rows = new ArrayList<>();
    for (String text : options.texts()) {
      rows.add(model.prepare(task, adapter, text, Optional.empty()));
    }
    if (options.texts().isEmpty()) {
      Random random = new Random(1);
      Tokenizer tokenizer = model.loaded().family().tokenizer();
      if (options.length() > model.maxSourceTokens()) {
        throw new IllegalArgumentException(
            "seq must be at most %d with this model; it is %d"
                .formatted(model.maxSourceTokens(), options.length()));
      }
      for (int i = 0; i < options.rows(); i++) {
        int[] pieces = new int[options.length() - tokenizer.specials()];
        Arrays.setAll(pieces, at -> random.nextInt(tokenizer.size()));
        rows.add(new PreparedRow(task, adapter, tokenizer.wrap(pieces), false));
      }
    }
    return rows;
  }

  private List<BenchRow> measure(List<Opponent> opponents) {
    double[] differences = opponents.stream().mapToDouble(this::difference).toArray();
    int texts = batches.stream().mapToInt(List::size).sum();
    List<Samples.Work> works = new ArrayList<>();
    works.add(() -> batches.forEach(model::embed));
    opponents.forEach(opponent -> works.add(() -> ids.forEach(opponent::encode)));
    List<Side> sides = inTurn(works, texts);
    Map<String, Object> config = config(texts);
    List<BenchRow> rows = new ArrayList<>();
    Side ours = sides.get(0);
    for (int i = 0; i < opponents.size(); i++) {
      String name = opponents.get(i).name();
      Side theirs = sides.get(i + 1);
      Map<String, Object> about = new LinkedHashMap<>(config);
      about.put("by", opponents.get(i).about());
      rows.add(BenchRow.of(name, about, theirs.rate(), "texts/s"));
      rows.add(
          BenchRow.of("engine.embed", config, ours.rate(), "texts/s")
              .comparedTo(name, ours.rate().over(theirs.rate())));
      if (ours.cpu().quantile(0) > 0 && theirs.cpu().quantile(0) > 0) { // long enough to tell
        rows.add(BenchRow.of(name + ".cpu", about, theirs.cpu(), "ms/text"));
        rows.add(
            BenchRow.of("engine.embed.cpu", config, ours.cpu(), "ms/text")
                .comparedTo(name + ".cpu", ours.cpu().over(theirs.cpu())));
      }
      rows.add(
          BenchRow.counted(name + ".difference", about, differences[i], "in a number, at most"));
    }
    long tokens = ids.stream().flatMap(List::stream).mapToInt(row -> row.length).sum();
    rows.add(BenchRow.counted("engine.length", config, (double) tokens / texts, "tokens per text"));
    long padded = 0;
    for (List<int[]> batch : ids) {
      padded += (long) batch.size() * batch.stream().mapToInt(row -> row.length).max().orElse(0);
    }
    rows.add(
        BenchRow.counted(
            "engine.padding", config, 100.0 * (padded - tokens) / padded, "% of padded tokens"));
    return rows;
  }

  /**
   * What was measured of one program, round by round.
   *
   * @param rate texts per second
   * @param cpu milliseconds of processor time per text, of all threads of this process
   */
  private record Side(Samples rate, Samples cpu) {}

  /** The works in turn, round after round, the first for about the seconds that were asked for. */
  private List<Side> inTurn(List<Samples.Work> works, int texts) {
    works.forEach(Samples.Work::run); // compiled and warm
    double once = Samples.inTurn(0, 1, works.subList(0, 1)).get(0).median();
    int passes = (int) Math.max(1, Math.min(1000, Math.round(options.seconds() / once)));
    double[][] rates = new double[works.size()][options.rounds()];
    double[][] cpu = new double[works.size()][options.rounds()];
    for (int round = 0; round < options.rounds(); round++) {
      for (int i = 0; i < works.size(); i++) {
        Duration used = cpuTime();
        long start = System.nanoTime();
        for (int pass = 0; pass < passes; pass++) {
          works.get(i).run();
        }
        rates[i][round] = passes * texts * 1e9 / (System.nanoTime() - start);
        cpu[i][round] = cpuTime().minus(used).toNanos() / 1e6 / passes / texts;
      }
    }
    List<Side> sides = new ArrayList<>();
    for (int i = 0; i < works.size(); i++) {
      sides.add(new Side(Samples.of(rates[i]), Samples.of(cpu[i])));
    }
    return sides;
  }

  private static Duration cpuTime() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }

  /** The largest difference between numbers of the engine's vectors and of the other's. */
  private double difference(Opponent opponent) {
    double worst = 0;
    for (int b = 0; b < batches.size(); b++) {
      float[][] ours = model.embed(batches.get(b));
      float[][] theirs = opponent.encode(ids.get(b));
      for (int row = 0; row < ours.length; row++) {
        for (int i = 0; i < ours[row].length; i++) {
          worst = Math.max(worst, Math.abs((double) ours[row][i] - theirs[row][i]));
        }
      }
    }
    boolean half = Precision.of(options.precision(), Device.cpu()) == Precision.BF16;
    double most = half ? MOST_DIFFERENT_BF16 : MOST_DIFFERENT;
    if (opponent.exact() && !(worst <= most)) { // also if it is not a number
      throw new IllegalStateException(
          ("vectors of %s and of the engine differ by %.1e in a number, at most %.0e is allowed:"
                  + " one of the two does not compute this model; nothing was timed")
              .formatted(opponent.name(), worst, most));
    }
    return worst;
  }

  private Map<String, Object> config(int texts) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model", options.model().reference());
    config.put("texts", texts);
    config.put("precision", options.precision());
    config.put("batch", options.rows());
    if (options.texts().isEmpty()) {
      config.put("seq", options.length());
    }
    config.put("threads", Ops.threads());
    return config;
  }
}
