package io.hyperstream.model.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.AdapterBankStats;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * What a mix of tasks costs: classification batches whose rows belong to ever more tasks beside the
 * bare backbone, one text that several tasks ask, and a crowd of registered tasks under a Zipf mix
 * of which few are resident, beside one task.
 */
public final class AdapterBench {
  private static final int[] TASKS = {1, 4, 8, 32, 128};

  /** Texts this short fill the cache fast. */
  private static final int WARM_TOKENS = 4;

  private static final int WARM_ROWS = 256;
  private static final int GENERATED = 16;

  /** Tasks that ask one text. */
  private static final int ASKED = 8;

  /** How often, so that it lasts long enough to be timed. */
  private static final int ASKS = 10;

  /**
   * What to run.
   *
   * @param batch texts in a batch
   * @param seq tokens of each, no padding
   * @param registered tasks of the crowd
   * @param resident share of them that may stay in memory
   * @param rounds repetitions
   */
  public record Options(
      BenchSource source, int batch, int seq, int registered, double resident, int rounds) {
    public Options {
      EngineBench.require("batch", batch, 1, 4096);
      EngineBench.require("seq", seq, 2, 4096);
      EngineBench.require("registered", registered, 1, 1_000_000);
      EngineBench.require("rounds", rounds, 1, 10_000);
      if (!(resident > 0 && resident <= 1)) {
        throw new IllegalArgumentException(
            "resident must be above 0, at most 1; it is " + resident);
      }
    }
  }

  private final Options options;
  private final BenchModel bench;
  private final TaskDefinition definition;
  private final Random random = new Random(5);

  private AdapterBench(Options options, BenchModel bench) {
    this.options = options;
    this.bench = bench;
    definition = bench.task(0, 2, 1, LabelScoring.EXACT);
  }

  /** Measures. */
  public static List<BenchRow> run(Options options) {
    boolean recording = Ops.setRecording(false);
    try {
      long perTask = BenchModel.bytesPerTask(options.source());
      long resident = Math.max(128, Math.round(options.resident() * options.registered()));
      ModelOptions serving =
          ModelOptions.DEFAULT
              .withIntraOpThreads(Ops.threads())
              .withMaxBatchTokens(options.batch() * (options.seq() + 8))
              .withAdapterBudgetBytes(resident * perTask);
      try (BenchModel bench = BenchModel.open(options.source(), serving)) {
        bench.requireLength(options.seq());
        AdapterBench adapters = new AdapterBench(options, bench);
        List<BenchRow> rows = new ArrayList<>(adapters.mixes());
        rows.addAll(adapters.sameText());
        rows.addAll(adapters.withinEncoder());
        rows.addAll(adapters.generation());
        rows.addAll(adapters.crowd());
        return rows;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      Ops.setRecording(recording);
    }
  }

  private List<BenchRow> mixes() {
    List<Samples.Work> works = new ArrayList<>();
    works.add(() -> predict(1, TaskMix.UNIFORM, BenchModel::bare));
    for (int tasks : TASKS) {
      fill(tasks);
      works.add(() -> predict(tasks, TaskMix.UNIFORM, bench::adapter));
    }
    List<Samples> seconds = Samples.inTurn(2, options.rounds(), works);
    Samples bare = seconds.get(0).rate(options.batch());
    List<BenchRow> rows = new ArrayList<>();
    rows.add(BenchRow.of("adapters.bare", config(Map.of()), bare, "examples/s"));
    for (int i = 0; i < TASKS.length; i++) {
      Samples rate = seconds.get(i + 1).rate(options.batch());
      rows.add(
          BenchRow.of("adapters.mix", config(Map.of("tasks", TASKS[i])), rate, "examples/s")
              .comparedTo("adapters.bare", rate.over(bare)));
    }
    return rows;
  }

  /**
   * One text asked by several tasks and several times by one, in turn with once by one: without
   * adapters, and with those of each task. Layers below the first adapters are computed once for
   * all tasks, so the encoder's arithmetic is {@code (first + tasks (layers - first)) / layers}.
   */
  private List<BenchRow> sameText() {
    PreparedRow text = bench.row(definition, BenchModel.bare(0), options.seq(), random);
    List<Samples> seconds =
        Samples.inTurn(
            2,
            options.rounds(),
            List.of(
                () -> ask(text, 1, task -> BenchModel.bare(0)),
                () -> ask(text, ASKED, BenchModel::bare),
                () -> ask(text, 1, bench::adapter),
                () -> ask(text, ASKED, bench::adapter),
                () -> ask(text, ASKED, task -> bench.adapter(0))));
    int layers = bench.backbone().shape().layers(Stack.ENCODER);
    int first = bench.model.loaded().adapters().orElseThrow().config().firstLayer();
    double arithmetic = (first + ASKED * (double) (layers - first)) / layers;
    List<BenchRow> rows = new ArrayList<>();
    for (int i = 0; i < seconds.size(); i++) {
      boolean bare = i < 2;
      boolean alone = i == 0 || i == 2;
      Map<String, Object> about = new LinkedHashMap<>();
      about.put("tasks", alone || i == 4 ? 1 : ASKED);
      about.put("times", alone ? 1 : ASKED);
      about.put("adapters", bare ? "none" : "from layer " + first);
      Samples each = seconds.get(i).times(1e3 / ASKS);
      if (alone) {
        rows.add(BenchRow.of("adapters.one-text", config(about), each, "ms"));
        continue;
      }
      if (i == 3) {
        about.put("arithmetic", arithmetic);
      }
      Samples one = seconds.get(bare ? 0 : 2).times(1e3 / ASKS);
      rows.add(
          BenchRow.of("adapters.same-text", config(about), each, "ms")
              .comparedTo("adapters.one-text", each.over(one)));
    }
    return rows;
  }

  /** Asks a text some times, each time by the task and with the adapters of that number. */
  private void ask(PreparedRow text, int times, IntFunction<TaskAdapter> adapters) {
    List<PreparedRow> rows = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      rows.add(new PreparedRow(definition, adapters.apply(i), text.inputIds(), false));
    }
    for (int i = 0; i < ASKS; i++) {
      bench.predict(rows);
    }
  }

  /** An encoder pass with adapters of some tasks, in turn with the bare encoder's. */
  private List<BenchRow> withinEncoder() {
    AdapterFactory factory = bench.model.loaded().adapters().orElseThrow();
    List<List<AdapterWeights>> made = new ArrayList<>();
    List<Samples.Work> works = new ArrayList<>();
    List<TokenSequence> sequences = bench.sequences(options.batch(), options.seq());
    try {
      works.add(() -> encode(sequences, List.of()));
      for (int tasks : TASKS) {
        List<AdapterWeights> weights =
            factory.generate(IntStream.range(0, tasks).mapToObj(bench::embedding).toList());
        made.add(weights);
        int[] drawn = TaskMix.UNIFORM.draw(tasks, options.batch(), random);
        List<AdapterWeights> rows = Arrays.stream(drawn).mapToObj(weights::get).toList();
        works.add(() -> encode(sequences, rows));
      }
      List<Samples> seconds = Samples.inTurn(2, options.rounds(), works);
      List<BenchRow> rows = new ArrayList<>();
      Samples bare = seconds.get(0).times(1e3);
      rows.add(BenchRow.of("adapters.encoder.bare", config(Map.of()), bare, "ms a pass"));
      for (int i = 0; i < TASKS.length; i++) {
        Samples adapted = seconds.get(i + 1).times(1e3);
        rows.add(
            BenchRow.of("adapters.encoder", config(Map.of("tasks", TASKS[i])), adapted, "ms a pass")
                .comparedTo("adapters.encoder.bare", adapted.over(bare)));
      }
      return rows;
    } finally {
      made.forEach(weights -> weights.forEach(AdapterWeights::close));
    }
  }

  private void encode(List<TokenSequence> sequences, List<AdapterWeights> rows) {
    try (AdapterHook adapters = rows.isEmpty() ? AdapterHook.NONE : BatchAdapters.of(rows);
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      GemmBench.finish(bench.encode(sequences, adapters).states());
    }
  }

  /** Makes tasks resident. */
  private void fill(int tasks) {
    List<PreparedRow> rows = new ArrayList<>();
    for (int task = 0; task < tasks; task++) {
      rows.add(bench.row(definition, bench.adapter(task), WARM_TOKENS, random));
    }
    bench.predict(rows);
  }

  /** Generating some tasks' weights, one pass each as served, and all in one pass. */
  private List<BenchRow> generation() {
    AdapterFactory factory = bench.model.loaded().adapters().orElseThrow();
    List<float[]> embeddings = new ArrayList<>();
    for (int task = 0; task < GENERATED; task++) {
      embeddings.add(bench.embedding(task));
    }
    List<Samples> seconds =
        Samples.inTurn(
            2,
            options.rounds(),
            List.of(
                () -> factory.generate(embeddings).forEach(AdapterWeights::close),
                () -> generateTogether(factory, embeddings)));
    Samples alone = seconds.get(0).times(1e3 / GENERATED);
    Samples together = seconds.get(1).times(1e3 / GENERATED);
    return List.of(
        BenchRow.of("adapters.generate", config(Map.of()), alone, "ms per task"),
        BenchRow.of(
                "adapters.generate-together",
                config(Map.of("tasks", GENERATED)),
                together,
                "ms per task")
            .comparedTo("adapters.generate", together.over(alone)));
  }

  private void generateTogether(AdapterFactory factory, List<float[]> embeddings) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      int width = embeddings.get(0).length;
      float[] all = new float[embeddings.size() * width];
      for (int i = 0; i < embeddings.size(); i++) {
        System.arraycopy(embeddings.get(i), 0, all, i * width, width);
      }
      NDArray stacked = bench.backbone().manager().create(all, new Shape(embeddings.size(), width));
      factory.generate(stacked).forEach(AdapterWeights::close);
    }
  }

  /** All tasks are known, few resident; batches are drawn by Zipf's law. */
  private List<BenchRow> crowd() {
    long heapBefore = heap();
    List<TaskAdapter> registered = new ArrayList<>(options.registered());
    for (int task = 0; task < options.registered(); task++) {
      registered.add(bench.adapter(task));
    }
    double heapPerTask = (double) (heap() - heapBefore) / options.registered();
    warm(registered);
    AdapterBankStats[] counted = new AdapterBankStats[2];
    List<Long> hits = new ArrayList<>();
    List<Long> misses = new ArrayList<>();
    List<Samples> seconds =
        Samples.inTurn(
            1,
            options.rounds(),
            List.of(
                () -> predict(1, TaskMix.UNIFORM, registered::get),
                () -> {
                  counted[0] = bench.model.adapterStats();
                  predict(options.registered(), TaskMix.ZIPF, registered::get);
                  counted[1] = bench.model.adapterStats();
                  hits.add(counted[1].hits() - counted[0].hits());
                  misses.add(counted[1].misses() - counted[0].misses());
                }));
    Samples one = seconds.get(0).rate(options.batch());
    Samples crowd = seconds.get(1).rate(options.batch());
    double found = hits.stream().mapToLong(Long::longValue).sum();
    double made = misses.stream().mapToLong(Long::longValue).sum();
    AdapterBankStats stats = bench.model.adapterStats();
    Map<String, Object> config =
        config(Map.of("registered", options.registered(), "resident", stats.residentTasks()));
    return List.of(
        BenchRow.of("adapters.one-task", config, one, "examples/s"),
        BenchRow.of("adapters.zipf", config, crowd, "examples/s")
            .comparedTo("adapters.one-task", crowd.over(one)),
        BenchRow.counted(
            "adapters.hits", config, 100 * found / (found + made), "% of a batch's tasks"),
        BenchRow.counted("adapters.misses", config, made / hits.size(), "tasks per batch"),
        BenchRow.counted(
            "adapters.memory", config, stats.residentBytes() / 1e6, "MB of resident weights"),
        BenchRow.counted(
            "adapters.embedding",
            config,
            Float.BYTES * bench.embedding(0).length,
            "bytes that define a cold task"),
        BenchRow.counted("adapters.cold-task", config, heapPerTask, "bytes of heap per cold task"));
  }

  /** Until half of what may be resident was replaced once, so that the hit rate is steady. */
  private void warm(List<TaskAdapter> registered) {
    AdapterBankStats start = bench.model.adapterStats();
    AdapterBankStats now = start;
    while (now.evictions() - start.evictions() < Math.max(1, now.residentTasks() / 2)
        && now.residentTasks() < registered.size()) {
      List<PreparedRow> rows = new ArrayList<>();
      for (int task : TaskMix.ZIPF.draw(registered.size(), WARM_ROWS, random)) {
        rows.add(bench.row(definition, registered.get(task), WARM_TOKENS, random));
      }
      bench.predict(rows);
      now = bench.model.adapterStats();
    }
  }

  private static long heap() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private void predict(int tasks, TaskMix mix, IntFunction<TaskAdapter> adapters) {
    List<PreparedRow> rows = new ArrayList<>();
    for (int task : mix.draw(tasks, options.batch(), random)) {
      rows.add(bench.row(definition, adapters.apply(task), options.seq(), random));
    }
    bench.predict(rows);
  }

  private Map<String, Object> config(Map<String, Object> more) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model", bench.label);
    config.put("batch", options.batch());
    config.put("seq", options.seq());
    config.putAll(more);
    config.put("threads", Ops.threads());
    return config;
  }
}
