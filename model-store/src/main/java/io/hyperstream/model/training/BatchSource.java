package io.hyperstream.model.training;

import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.hyper.AdapterConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * What is learnt from next: a batch of one sampled task, or batches mixed of rows of many. Where it
 * stands is kept in the {@link TrainingState}; the same state gives the same batches. One thread.
 */
final class BatchSource {
  /** Mixed rows of so many batches are sorted by length together. */
  private static final int WINDOW = 8;

  /**
   * The share of batches with {@link AdapterConfig#GENERIC} adapters, where the model has these.
   */
  private static final double GENERIC_SHARE = 0.3;

  private record Row(int task, int row, int length) {}

  private final List<TaskData> tasks;
  private final TrainingOptions options;
  private final TrainingState state;
  private final TemperatureSampler sampler;
  private final List<BatchPlan> plans;
  private final boolean generic;
  private List<TrainingBatch> window = List.of(); // drawn at the state's positions
  private long[] after = {}; // positions after the window

  /**
   * @param generic whether there are adapters for tasks that nobody has seen
   */
  BatchSource(List<TaskData> tasks, TrainingOptions options, TrainingState state, boolean generic) {
    this.generic = generic;
    this.tasks = tasks;
    this.options = options;
    this.state = state;
    int[] sizes = tasks.stream().mapToInt(task -> task.train().size()).toArray();
    sampler = new TemperatureSampler(sizes, options.temperature(), options.seed());
    int rows = options.mixed() ? 1 : options.batchSize();
    plans = plans(tasks, rows, options.batchTokens(), options.seed());
  }

  private static List<BatchPlan> plans(List<TaskData> tasks, int rows, int batchTokens, long seed) {
    List<BatchPlan> plans = new ArrayList<>();
    for (TaskData task : tasks) {
      long ofTask = Seeds.mix(seed, task.task().taskId());
      plans.add(new BatchPlan(task.train().ids(), rows, batchTokens, ofTask));
    }
    return plans;
  }

  /** How many batches it takes to show as many rows as there are. */
  static long batchesPerEpoch(List<TaskData> tasks, int batchSize, int batchTokens, long seed) {
    return plans(tasks, batchSize, batchTokens, seed).stream()
        .mapToLong(BatchPlan::batchesPerEpoch)
        .sum();
  }

  TrainingBatch next() {
    if (window.isEmpty()) {
      draw();
    }
    if (state.used == window.size()) {
      System.arraycopy(after, 0, state.positions, 0, after.length);
      state.window++;
      state.used = 0;
      draw();
    }
    return window.get(state.used++);
  }

  private void draw() {
    after = state.positions.clone();
    if (!options.mixed()) {
      int task = sampler.task(state.window);
      List<Row> rows = new ArrayList<>();
      draw(task, rows);
      window = List.of(batch(rows));
      return;
    }
    List<Row> rows = new ArrayList<>();
    int draws = WINDOW * options.batchSize();
    for (int i = 0; i < draws; i++) {
      draw(sampler.task(state.window * draws + i), rows);
    }
    rows.sort(Comparator.comparingInt(Row::length));
    int[] lengths = rows.stream().mapToInt(Row::length).toArray();
    List<TrainingBatch> batches = new ArrayList<>();
    int begun = 0;
    for (int end : BatchPlan.cut(lengths, options.batchSize(), options.batchTokens())) {
      batches.add(batch(rows.subList(begun, end)));
      begun = end;
    }
    Collections.shuffle(batches, new Random(Seeds.mix(options.seed(), state.window)));
    window = batches;
  }

  private void draw(int task, List<Row> rows) {
    for (int row : plans.get(task).batch(after[task])) {
      rows.add(new Row(task, row, tasks.get(task).train().inputs().get(row).length()));
    }
    after[task] = plans.get(task).next(after[task]);
  }

  /** Runs of one task stand together: they are computed together. */
  private TrainingBatch batch(List<Row> rows) {
    Row[] sorted = rows.toArray(Row[]::new);
    Arrays.sort(sorted, Comparator.comparingInt(Row::task));
    List<TokenSequence> inputs = new ArrayList<>();
    int[][] targets = new int[sorted.length][];
    List<String> names = new ArrayList<>();
    for (int i = 0; i < sorted.length; i++) {
      TaskData data = tasks.get(sorted[i].task());
      names.add(data.task().taskId());
      inputs.add(data.train().inputs().get(sorted[i].row()));
      targets[i] = data.train().targets()[sorted[i].row()];
    }
    long seed = Seeds.mix(Seeds.mix(options.seed(), "batch"), state.window);
    boolean forAny = generic && new Random(seed).nextDouble() < GENERIC_SHARE;
    List<String> adapters =
        forAny ? Collections.nCopies(names.size(), AdapterConfig.GENERIC) : names;
    return new TrainingBatch(names, adapters, inputs, targets, seed);
  }
}
