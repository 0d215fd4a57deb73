package io.hyperstream.app.cli;

import io.hyperstream.model.bench.BenchRow;
import io.hyperstream.model.bench.Samples;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The phases of {@code bench pipeline}: throughput of two applications and of the engine in turn,
 * latency under fixed loads, new versions under traffic, memory. One run per instance, on one
 * thread.
 */
final class PipelineBench {
  /** Beyond this, requests were not sent when they should have been. */
  static final double MOST_LATE_MILLIS = 25;

  private static final double[] LOADS = {0.2, 0.5, 0.8};
  private static final double COMPARED_LOAD = 0.5;

  /**
   * An application and its client.
   *
   * @param label what sets it apart, for people
   */
  record Side(String label, BenchApplication application, Connection cluster, BenchTraffic traffic)
      implements AutoCloseable {
    @Override
    public void close() throws java.io.IOException {
      traffic.close();
      cluster.close();
    }
  }

  /**
   * How long and how strict.
   *
   * @param rounds of engine and both applications in turn
   * @param seconds of each application's part of a round; a load lasts about twice that
   * @param swaps new versions to time
   * @param soak how long memory is watched under full load afterwards
   * @param maxSpread interquartile range of a throughput's ratio over its median, at most
   */
  record Plan(int rounds, double seconds, int swaps, Duration soak, double maxSpread) {}

  private final EngineBaseline engine;
  private final Side base;
  private final Side other;
  private final Plan plan;
  private final Map<String, Object> config;
  private final ProgressBar progress;
  private final List<BenchRow> rows = new ArrayList<>();
  private final List<String> doubts = new ArrayList<>();
  private int done;

  /**
   * @param config what holds for every row
   */
  PipelineBench(
      EngineBaseline engine,
      Side base,
      Side other,
      Plan plan,
      Map<String, Object> config,
      ProgressBar progress) {
    this.engine = engine;
    this.base = base;
    this.other = other;
    this.plan = plan;
    this.config = config;
    this.progress = progress;
  }

  /** Answers per second and milliseconds of processor time per answer, round by round. */
  private record Series(double[] rates, double[] cpu) {
    Series(int rounds) {
      this(new double[rounds], new double[rounds]);
    }
  }

  /** How many steps a plan has, for the progress bar. */
  static int steps(Plan plan) {
    return 2 + 3 * plan.rounds() + LOADS.length + 1 + 1 + (plan.soak().isZero() ? 0 : 1);
  }

  /** Why the measurements are not to be trusted; empty if they are. */
  List<String> doubts() {
    return doubts;
  }

  List<BenchRow> run() throws InterruptedException {
    try (MemoryWatch memory = new MemoryWatch(base)) {
      double rate = throughput();
      double batchMillis = batch();
      Map<String, Double> compared = Map.of();
      for (double load : LOADS) {
        Map<String, Double> latencies = latency(base, load, rate, batchMillis, Map.of());
        if (load == COMPARED_LOAD) {
          compared = latencies;
        }
      }
      latency(other, COMPARED_LOAD, rate, batchMillis, compared);
      swaps(rate * COMPARED_LOAD);
      if (!plan.soak().isZero()) {
        soak(rate, memory);
      }
      rows.addAll(memory.rows(config));
    }
    for (Side side : List.of(base, other)) {
      side.traffic().faults().forEach(fault -> doubts.add(side.label() + ": " + fault));
    }
    return rows;
  }

  /** Requests per second of the base side. */
  private double throughput() throws InterruptedException {
    double guess = engine.run(1);
    saturate(base, guess, 1.5 * plan.seconds());
    double rate = saturate(other, guess, 1.5 * plan.seconds());
    double[] before = batchMetrics();
    Series engines = new Series(plan.rounds());
    Series bases = new Series(plan.rounds());
    Series others = new Series(plan.rounds());
    for (int round = 0; round < plan.rounds(); round++) {
      engines.rates[round] = engine.run(plan.seconds() / 2);
      engines.cpu[round] = engine.cpuMillisPerText();
      step("engine alone");
      measure(base, rate, bases, round);
      measure(other, rate, others, round);
      rate = bases.rates[round];
    }
    String perSecond = "examples/s";
    rows.add(row("pipeline.engine", Samples.of(engines.rates), perSecond, Map.of()));
    rows.add(
        compared(
            "pipeline.throughput", perSecond, bases.rates, "pipeline.engine", engines.rates, base));
    rows.add(
        compared(
            "pipeline.throughput.against",
            perSecond,
            others.rates,
            "pipeline.throughput",
            bases.rates,
            other));
    String each = "ms/example";
    rows.add(row("pipeline.engine.cpu", Samples.of(engines.cpu), each, Map.of()));
    rows.add(compared("pipeline.cpu", each, bases.cpu, "pipeline.engine.cpu", engines.cpu, base));
    rows.add(compared("pipeline.cpu.against", each, others.cpu, "pipeline.cpu", bases.cpu, other));
    double[] after = batchMetrics();
    double batches = after[0] - before[0];
    rows.add(counted("pipeline.batch.rows", (after[1] - before[1]) / batches, "rows"));
    rows.add(
        counted("pipeline.batch.shared", 100 * (after[2] - before[2]) / batches, "% of tokens"));
    rows.add(counted("pipeline.prefetch.misses", after[3] - before[3], "records"));
    return Samples.of(bases.rates).median();
  }

  /** Batches, their rows, tokens known from others, records computed at their turn only. */
  private double[] batchMetrics() throws InterruptedException {
    BenchApplication application = base.application();
    return new double[] {
      application.metric("hyperstream_batch_rows_count"),
      application.metric("hyperstream_batch_rows_sum"),
      application.metric("hyperstream_batch_shared_ratio_sum"),
      application.metric("hyperstream_prefetch_misses_total")
    };
  }

  private BenchRow counted(String bench, double value, String unit) {
    return BenchRow.counted(bench, with(Map.of()), value, unit);
  }

  private void measure(Side side, double rate, Series series, int round)
      throws InterruptedException {
    double cpu = side.application().cpuMillis();
    int answered = side.traffic().answered();
    series.rates[round] = saturate(side, rate, plan.seconds());
    series.cpu[round] =
        (side.application().cpuMillis() - cpu) / (side.traffic().answered() - answered);
  }

  private double saturate(Side side, double rate, double seconds) throws InterruptedException {
    int backlog = (int) Math.max(256, Math.min(1024, rate));
    double measured = side.traffic().saturate((int) (rate * seconds) + backlog, backlog);
    step(side.label());
    return measured;
  }

  /**
   * The ratio is the median of the rounds' ratios: a busy neighbour disturbs a round as a whole.
   */
  private BenchRow compared(
      String bench, String unit, double[] values, String to, double[] theirs, Side side) {
    double[] ratios = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      ratios[i] = values[i] / theirs[i];
    }
    Samples ratio = Samples.of(ratios);
    if (ratio.spread() > plan.maxSpread()) {
      doubts.add(
          String.format(
              Locale.ROOT,
              "the rounds' ratios of %s to %s are spread by %.0f %%, more than %.0f %%: something"
                  + " else keeps the machine busy, or --seconds is too short",
              bench,
              to,
              100 * ratio.spread(),
              100 * plan.maxSpread()));
    }
    return row(bench, Samples.of(values), unit, Map.of("settings", side.label()))
        .comparedTo(to, ratio);
  }

  private double batch() {
    Samples millis = Samples.of(engine.fullBatchMillis());
    rows.add(row("pipeline.batch", millis, "ms", Map.of()));
    return millis.median();
  }

  private Map<String, Double> latency(
      Side side, double load, double throughput, double batchMillis, Map<String, Double> comparedTo)
      throws InterruptedException {
    double rate = Math.max(1, load * throughput);
    Latencies latencies = new Latencies();
    long end = System.nanoTime() + (long) (2 * plan.seconds() * 1e9);
    BenchTraffic.Schedule schedule =
        side.traffic().steady(rate, side.traffic()::text, () -> System.nanoTime() < end, latencies);
    step(String.format(Locale.ROOT, "%s at %.0f %% load", side.label(), 100 * load));
    judge(schedule, rate, load);
    Map<String, Object> about = new LinkedHashMap<>();
    about.put("settings", side.label());
    about.put("load", load);
    about.put("requestsPerSecond", Math.round(rate));
    about.put("requests", latencies.count());
    boolean isCompared = !comparedTo.isEmpty();
    Map<String, Double> values = new LinkedHashMap<>();
    for (Map.Entry<String, Double> percentile : Latencies.PERCENTILES.entrySet()) {
      String name = (isCompared ? "against." : "") + percentile.getKey();
      double value = latencies.millis(percentile.getValue());
      values.put(percentile.getKey(), value);
      String to = isCompared ? "pipeline.latency." + percentile.getKey() : "pipeline.batch";
      double theirs = isCompared ? comparedTo.get(percentile.getKey()) : batchMillis;
      double spread = latencies.spread(percentile.getValue());
      rows.add(
          BenchRow.valued("pipeline.latency." + name, with(about), value, "ms", spread)
              .withRatio(to, value / theirs));
    }
    return values;
  }

  private void judge(BenchTraffic.Schedule schedule, double rate, double load) {
    if (schedule.lateMillis(99) > MOST_LATE_MILLIS) {
      doubts.add(
          String.format(
              Locale.ROOT,
              "at %.0f %% load 1 %% of the requests was sent more than %.0f ms late (latency counts"
                  + " from when they were due)",
              100 * load,
              schedule.lateMillis(99)));
    }
    if (schedule.backlog() > 2 * rate) {
      doubts.add(
          String.format(
              Locale.ROOT,
              "at %.0f %% load %d requests waited at the end: it does not keep up",
              100 * load,
              schedule.backlog()));
    }
  }

  private void swaps(double rate) throws InterruptedException {
    if (plan.swaps() == 0) {
      return;
    }
    double[] millis;
    try (AdapterSwaps swaps = new AdapterSwaps(base, engine.modelId(), plan.swaps())) {
      millis = swaps.run(rate);
    }
    step("new versions");
    Map<String, Object> about = new LinkedHashMap<>();
    about.put("swaps", plan.swaps());
    about.put("requestsPerSecond", Math.round(rate));
    Samples samples = Samples.of(millis);
    Latencies.PERCENTILES.forEach(
        (name, percentile) ->
            rows.add(
                BenchRow.valued(
                    "pipeline.swap." + name,
                    with(about),
                    samples.quantile(percentile / 100),
                    "ms",
                    samples.spread())));
  }

  private void soak(double rate, MemoryWatch memory) throws InterruptedException {
    memory.restart();
    long end = System.nanoTime() + plan.soak().toNanos();
    while (System.nanoTime() < end) {
      double left = (end - System.nanoTime()) / 1e9;
      base.traffic().saturate((int) (rate * Math.min(60, left)) + 128, 1024);
      progress.at(
          done,
          steps(plan),
          String.format(
              Locale.ROOT,
              "memory under full load, %d:%02d left",
              (int) left / 60,
              (int) left % 60));
    }
    step("memory under full load");
  }

  private BenchRow row(String bench, Samples samples, String unit, Map<String, Object> about) {
    return BenchRow.of(bench, with(about), samples, unit);
  }

  private Map<String, Object> with(Map<String, Object> about) {
    Map<String, Object> all = new LinkedHashMap<>(config);
    all.putAll(about);
    return all;
  }

  private void step(String what) {
    progress.at(++done, steps(plan), what);
  }
}
