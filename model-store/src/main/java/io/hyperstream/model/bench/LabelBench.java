package io.hyperstream.model.bench;

import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.RowResult;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.t5.LabelSpace;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What many labels cost: the exact score and the beam over the label trie, beside the exact score
 * of two labels of one token, in batches of the same texts' lengths; how much arithmetic the beam
 * is, against the two labels'; and how often it finds the label that the exact score does.
 */
public final class LabelBench {
  private static final int SMALLEST = 2;

  /**
   * A set of labels.
   *
   * @param starts source tasks whose mean embedding serves; empty for all the model knows
   * @param texts to compare the beam with the exact score on; empty for random tokens
   */
  public record LabelSet(
      String name, List<String> labels, List<String> starts, List<String> texts) {}

  /**
   * What to run.
   *
   * @param batch texts in a batch
   * @param seq tokens of each, no padding
   * @param labels sizes of label sets to be made up
   * @param labelTokens tokens of each made-up label
   * @param sets real label sets
   * @param beams label prefixes kept per level
   * @param rounds repetitions
   */
  public record Options(
      BenchSource source,
      int batch,
      int seq,
      List<Integer> labels,
      int labelTokens,
      List<LabelSet> sets,
      int beams,
      int rounds) {
    public Options {
      EngineBench.require("batch", batch, 1, 4096);
      EngineBench.require("seq", seq, 2, 4096);
      for (int size : labels) {
        EngineBench.require("labels", size, 2, TaskDefinition.MAX_LABELS);
      }
      EngineBench.require("label-tokens", labelTokens, 1, LabelSpace.MAX_LABEL_TOKENS - 1);
      EngineBench.require("beams", beams, 1, 1024);
      EngineBench.require("rounds", rounds, 1, 10_000);
      labels = List.copyOf(labels);
      sets = List.copyOf(sets);
    }
  }

  private final Options options;
  private final BenchModel bench;
  private final Random random = new Random(9);

  private LabelBench(Options options, BenchModel bench) {
    this.options = options;
    this.bench = bench;
  }

  /** Measures. */
  public static List<BenchRow> run(Options options) {
    boolean recording = Ops.setRecording(false);
    ModelOptions serving =
        ModelOptions.DEFAULT
            .withIntraOpThreads(Ops.threads())
            .withBeams(1, options.beams())
            .withMaxBatchTokens(options.batch() * (options.seq() + 8));
    try (BenchModel bench = BenchModel.open(options.source(), serving)) {
      bench.t5(); // a trie of labels is a decoder's
      bench.requireLength(options.seq());
      return new LabelBench(options, bench).measure();
    } finally {
      Ops.setRecording(recording);
    }
  }

  private List<BenchRow> measure() {
    TaskDefinition two = bench.task(0, SMALLEST, 1, LabelScoring.EXACT);
    List<TaskDefinition> exact = new ArrayList<>();
    List<Optional<LabelSet>> sets = new ArrayList<>();
    for (int size : options.labels()) {
      exact.add(bench.task(size, size, options.labelTokens(), LabelScoring.EXACT));
      sets.add(Optional.empty());
    }
    for (LabelSet set : options.sets()) {
      List<Label> labels = set.labels().stream().map(Label::of).toList();
      exact.add(BenchModel.definition(set.name(), labels, LabelScoring.EXACT, known(set.starts())));
      sets.add(Optional.of(set));
    }
    List<Samples.Work> works = new ArrayList<>();
    works.add(() -> predict(two));
    for (TaskDefinition task : exact) {
      works.add(() -> predict(task));
      works.add(() -> predict(beam(task)));
    }
    List<Samples> seconds = Samples.inTurn(1, options.rounds(), works);
    List<BenchRow> rows = new ArrayList<>();
    Samples base = seconds.get(0);
    rows.add(BenchRow.of("labels.two", config(two), base.times(1e3), "ms per batch"));
    for (int i = 0; i < exact.size(); i++) {
      TaskDefinition task = exact.get(i);
      Samples scored = seconds.get(1 + 2 * i);
      Samples searched = seconds.get(2 + 2 * i);
      rows.add(
          BenchRow.of("labels.exact", config(task), scored.times(1e3), "ms per batch")
              .comparedTo("labels.two", scored.over(base)));
      Map<String, Object> beamed = config(task);
      beamed.put("beams", options.beams());
      rows.add(
          BenchRow.of("labels.beam", beamed, searched.times(1e3), "ms per batch")
              .comparedTo("labels.two", searched.over(base)));
      double beam = gigaflop(beamPositions(task));
      rows.add(
          BenchRow.counted("labels.beam.arithmetic", beamed, beam, "GFLOP")
              .withRatio("labels.two", beam / gigaflop(bench.labelSpace(two).nodes())));
      rows.add(
          BenchRow.counted(
              "labels.agreement", beamed, 100 * agreement(task, sets.get(i)), "% of texts"));
    }
    return rows;
  }

  private double gigaflop(int positions) {
    return EngineBench.gigaflop(bench.t5().config(), options.batch(), options.seq(), positions);
  }

  /** Decoder positions of a text's search, if no prefix is given up before its level is full. */
  private int beamPositions(TaskDefinition task) {
    LabelSpace space = bench.labelSpace(task);
    int positions = 1;
    for (int depth = 1; depth < LabelSpace.MAX_LABEL_TOKENS; depth++) {
      Set<List<Integer>> prefixes = new HashSet<>();
      for (int label = 0; label < space.size(); label++) {
        if (space.ids(label).length > depth) {
          prefixes.add(IntStream.of(space.ids(label)).limit(depth).boxed().toList());
        }
      }
      positions += Math.min(options.beams(), prefixes.size());
    }
    return positions;
  }

  /** Those of the names the model knows; a made-up model knows other ones. */
  private List<String> known(List<String> starts) {
    return starts.stream()
        .filter(
            name ->
                bench
                    .model
                    .loaded()
                    .adapters()
                    .map(factory -> factory.taskEmbeddings().containsKey(name))
                    .orElse(false))
        .toList();
  }

  private static TaskDefinition beam(TaskDefinition task) {
    return BenchModel.definition(
        task.taskId(), task.labels(), LabelScoring.TRIE_BEAM, task.initFrom());
  }

  private void predict(TaskDefinition task) {
    TaskAdapter adapter = bench.model.startingAdapter(task);
    List<PreparedRow> rows = new ArrayList<>();
    for (int row = 0; row < options.batch(); row++) {
      rows.add(bench.row(task, adapter, options.seq(), random));
    }
    bench.predict(rows);
  }

  /** Share of texts whose best label is the same either way. */
  private double agreement(TaskDefinition exact, Optional<LabelSet> set) {
    TaskDefinition beam = beam(exact);
    TaskAdapter adapter = bench.model.startingAdapter(exact);
    List<PreparedRow> rows = new ArrayList<>();
    if (set.isPresent() && !set.get().texts().isEmpty()) {
      for (String text : set.get().texts()) {
        rows.add(bench.model.prepare(exact, adapter, text, Optional.empty()));
      }
    } else {
      for (int row = 0; row < options.batch(); row++) {
        rows.add(bench.row(exact, adapter, options.seq(), random));
      }
    }
    int same = 0;
    for (int from = 0; from < rows.size(); from += options.batch()) {
      List<PreparedRow> part = rows.subList(from, Math.min(rows.size(), from + options.batch()));
      List<RowResult> scored = bench.predict(part);
      List<RowResult> searched =
          bench.predict(
              part.stream()
                  .map(row -> new PreparedRow(beam, row.adapter(), row.inputIds(), false))
                  .toList());
      for (int i = 0; i < scored.size(); i++) {
        same += label(scored.get(i)).equals(label(searched.get(i))) ? 1 : 0;
      }
    }
    return (double) same / rows.size();
  }

  private static String label(RowResult result) {
    return ((TaskPrediction) result).label().orElseThrow();
  }

  private Map<String, Object> config(TaskDefinition task) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model", bench.label);
    config.put("batch", options.batch());
    config.put("seq", options.seq());
    config.put("task", task.taskId());
    config.put("labels", task.labels().size());
    config.put("positions", bench.labelSpace(task).nodes());
    config.put("threads", Ops.threads());
    return config;
  }
}
