package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.family.Objective;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Trains shared hypernetworks (or adapters, or the backbone itself) on many tasks at once, as
 * section 4 of the paper: tasks sampled by temperature, one per batch or mixed, evaluated
 * periodically by each task's own metric, the best weights kept.
 *
 * <p>Everything is in one folder: the state that a killed run goes on from when it is started
 * again, {@code metrics.jsonl}, {@code training.html} and, at the end, the best model in {@code
 * model/}, ready to be imported. On a CPU the same seed gives the same weights, killed or not. One
 * thread.
 */
public final class MultiTaskTrainer {
  /** The folder of the finished model. */
  public static final String MODEL = "model";

  private final List<TaskData> tasks;
  private final TrainingOptions options;
  private final TrainingListener listener;
  private final TrainingModel model;
  private final AdamW optimiser;
  private final TrainingState state;
  private final TrainingLog log;
  private final Evaluator evaluator;
  private final BatchSource batches;

  /**
   * What came of it.
   *
   * @param steps how many were taken, also by earlier starts
   * @param best the best average metric on the validation rows
   * @param finished false if the listener asked to stop: start again to go on
   * @param validation of the best model, by task and metric; empty if not finished
   * @param test the same on the test rows
   * @param trainedValues how many numbers are trained
   */
  public record Result(
      int steps,
      int bestStep,
      double best,
      boolean finished,
      Map<String, Map<String, Double>> validation,
      Map<String, Map<String, Double>> test,
      long trainedValues) {}

  private MultiTaskTrainer(
      List<TaskData> tasks,
      boolean generic,
      TrainingOptions options,
      String run,
      Path folder,
      TrainingListener listener,
      TrainingModel model,
      AdamW optimiser) {
    this.tasks = tasks;
    this.options = options;
    this.listener = listener;
    this.model = model;
    this.optimiser = optimiser;
    state = new TrainingState(folder, run, model, optimiser, tasks.size());
    batches = new BatchSource(tasks, options, state, generic);
    log = new TrainingLog(folder);
    evaluator = new Evaluator(model);
  }

  /** What a saved state must be of to be gone on from. */
  private static String describe(ModelSource source, List<TaskData> tasks, TrainingOptions options)
      throws IOException {
    StringBuilder run = new StringBuilder(options + " " + source.fingerprint());
    for (TaskData task : tasks) {
      run.append(' ').append(task.task().taskId()).append(' ').append(task.metrics());
      if (source.family().objective() == Objective.LABEL_VECTORS) {
        run.append(' ').append(task.task().labels().hashCode()); // no target has their words
      }
      for (TaskData.Rows rows : List.of(task.train(), task.validation())) {
        run.append(' ').append(rows.size()).append(':').append(rows.fingerprint());
      }
    }
    return run.toString();
  }

  /**
   * How many steps it takes to show as many rows as there are, rounded up.
   *
   * @param batchTokens 0 for no such limit
   */
  public static int stepsPerEpoch(
      List<TaskData> tasks, int batchSize, int batchTokens, int accumulation, long seed) {
    long batches = BatchSource.batchesPerEpoch(tasks, batchSize, batchTokens, seed);
    return Math.toIntExact((batches + accumulation - 1) / accumulation);
  }

  /** Whether a folder has the state of a run that {@link #train} would go on with. */
  public static boolean isBegun(Path folder) {
    return TrainingState.isIn(folder);
  }

  /**
   * Trains, or goes on training, and writes the best model.
   *
   * @param source its adapters, if any, must be configured for all tasks
   * @param folder of this run
   * @throws IOException if a file cannot be written
   * @throws io.hyperstream.model.checkpoint.CheckpointException if the folder is of another run
   * @throws ArithmeticException if the loss is no longer a number
   */
  public static Result train(
      ModelSource source,
      List<TaskData> tasks,
      TrainingOptions options,
      Path folder,
      TrainingListener listener)
      throws IOException {
    if (tasks.isEmpty()) {
      throw new IllegalArgumentException("there is no task to train on");
    }
    if (tasks.stream().anyMatch(data -> data.task().taskId().equals(AdapterConfig.GENERIC))) {
      throw new IllegalArgumentException(
          "a task cannot be called '%s': new tasks start from adapters of that name"
              .formatted(AdapterConfig.GENERIC));
    }
    boolean generic = source.adapters().map(AdapterConfig::hasGeneric).orElse(false);
    Files.createDirectories(folder);
    String run = describe(source, tasks, options);
    boolean recording = Ops.setRecording(true);
    try (TrainingModel model = TrainingModel.open(source, tasks, options.trainable());
        AdamW optimiser = new AdamW(options.optimiser())) {
      if (model.parameters().isEmpty()) {
        throw new IllegalArgumentException("nothing of this model is to be trained");
      }
      MultiTaskTrainer trainer =
          new MultiTaskTrainer(tasks, generic, options, run, folder, listener, model, optimiser);
      if (!trainer.run()) {
        return trainer.result(false, Map.of(), Map.of());
      }
      trainer.state.loadBest();
      model.scaleAdapters(options.adapterScale());
      var validation = trainer.evaluate(TaskData::validation);
      var test = trainer.evaluate(TaskData::test);
      new ModelExport(source, model, options.trainable())
          .write(folder.resolve(MODEL), tasks, validation, test);
      return trainer.result(true, validation, test);
    } finally {
      Ops.setRecording(recording);
    }
  }

  private Result result(
      boolean finished,
      Map<String, Map<String, Double>> validation,
      Map<String, Map<String, Double>> test) {
    return new Result(
        state.step, state.bestStep, state.best, finished, validation, test, model.trainedValues());
  }

  /** Whether it came to its end. */
  private boolean run() throws IOException {
    if (state.restore()) {
      log.dropAfter(state.step);
    }
    while (state.step < options.steps() && !stoppedEarly()) {
      if (listener.stopRequested()) {
        state.save();
        return false;
      }
      step();
      if (state.step % options.evaluateEvery() == 0 || state.step == options.steps()) {
        checkpoint();
      } else if (options.saveEvery() > 0 && state.step % options.saveEvery() == 0) {
        state.save();
      }
    }
    return true;
  }

  private boolean stoppedEarly() {
    return options.patience() > 0 && state.evaluationsSinceBest >= options.patience();
  }

  private void step() {
    long begun = System.nanoTime();
    Autograd.seed(Seeds.mix(options.seed(), state.step));
    List<String> seen = new ArrayList<>();
    double loss = 0;
    long summed = 0;
    long tokens = 0;
    for (int i = 0; i < options.accumulation(); i++) {
      TrainingBatch batch = batches.next();
      seen.addAll(batch.adapters());
      tokens += batch.tokens();
      summed += model.summed(batch);
      try (NDScope scope = Ops.scope()) {
        scope.suppressNotUsedWarning();
        NDArray sum = model.loss(batch, options.smoothing(), options.dropout());
        loss += sum.getFloat();
        Autograd.backward(sum);
      }
    }
    double rate = options.schedule().at(state.step);
    double norm = optimiser.step(model.parameters(), TrainingModel.participates(seen), rate);
    state.step++;
    state.lossSum += loss;
    state.lossTokens += summed;
    double seconds = (System.nanoTime() - begun) / 1e9;
    listener.stepped(
        new TrainingListener.Step(
            state.step, options.steps(), loss / summed, norm, rate, tokens / seconds));
  }

  /** Evaluates, keeps the best, and saves the state last: a kill before that repeats the steps. */
  private void checkpoint() throws IOException {
    Map<String, Map<String, Double>> metrics = evaluate(TaskData::validation);
    double loss = state.lossSum / Math.max(1, state.lossTokens);
    // Without validation rows the latest is the best.
    double average =
        metrics.values().stream()
            .mapToDouble(of -> of.values().stream().mapToDouble(v -> v).average().orElseThrow())
            .average()
            .orElse(state.step);
    boolean best = average > state.best;
    if (best) {
      state.best = average;
      state.bestStep = state.step;
      state.evaluationsSinceBest = 0;
      state.saveBest();
    } else {
      state.evaluationsSinceBest++;
    }
    double rate = options.schedule().at(state.step - 1);
    var evaluation = new TrainingListener.Evaluation(state.step, metrics, average, best);
    log.append(evaluation, loss, rate);
    state.lossSum = 0;
    state.lossTokens = 0;
    state.save();
    listener.evaluated(evaluation);
  }

  private Map<String, Map<String, Double>> evaluate(Function<TaskData, TaskData.Rows> split) {
    Map<String, Map<String, Double>> metrics = new LinkedHashMap<>();
    for (TaskData task : tasks) {
      TaskData.Rows rows = split.apply(task);
      if (rows.size() > 0) {
        metrics.put(task.task().taskId(), evaluator.measure(task, rows));
      }
    }
    return metrics;
  }
}
