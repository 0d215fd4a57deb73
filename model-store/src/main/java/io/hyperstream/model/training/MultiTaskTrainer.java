package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.task.Tokenizer;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
  private final TemperatureSampler sampler;
  private final List<BatchPlan> plans = new ArrayList<>();
  private double lossSum;
  private long lossTokens;

  /**
   * What came of it.
   *
   * @param steps how many were taken, also by earlier starts
   * @param best the best average metric
   * @param finished false if the listener asked to stop: start again to go on
   */
  public record Result(int steps, int bestStep, double best, boolean finished) {}

  private MultiTaskTrainer(
      List<TaskData> tasks,
      Tokenizer tokenizer,
      TrainingOptions options,
      Path folder,
      TrainingListener listener,
      TrainingModel model,
      AdamW optimiser) {
    this.tasks = tasks;
    this.options = options;
    this.listener = listener;
    this.model = model;
    this.optimiser = optimiser;
    int[] sizes = tasks.stream().mapToInt(task -> task.train().size()).toArray();
    sampler = new TemperatureSampler(sizes, options.temperature(), options.seed());
    for (TaskData task : tasks) {
      long seed = Seeds.mix(options.seed(), task.task().taskId());
      int rows = options.mixed() ? 1 : options.batchSize();
      plans.add(new BatchPlan(task.train().inputs(), rows, seed));
    }
    StringBuilder run = new StringBuilder(options.toString());
    tasks.forEach(t -> run.append(' ').append(t.task().taskId()).append(t.train().size()));
    state = new TrainingState(folder, run.toString(), model, optimiser, tasks.size());
    log = new TrainingLog(folder);
    evaluator = new Evaluator(model, tokenizer);
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
      Tokenizer tokenizer,
      List<TaskData> tasks,
      TrainingOptions options,
      Path folder,
      TrainingListener listener)
      throws IOException {
    if (tasks.isEmpty()) {
      throw new IllegalArgumentException("there is no task to train on");
    }
    Files.createDirectories(folder);
    boolean recording = Ops.setRecording(true);
    try (TrainingModel model =
            new TrainingModel(
                source.config(),
                source.backbone(),
                source.adapters(),
                source.adapterWeights(),
                options.trainable());
        AdamW optimiser = new AdamW(options.optimiser())) {
      MultiTaskTrainer trainer =
          new MultiTaskTrainer(tasks, tokenizer, options, folder, listener, model, optimiser);
      Result result = trainer.run();
      if (result.finished()) {
        trainer.state.loadBest();
        new ModelExport(source, model, options.trainable())
            .write(folder.resolve(MODEL), tasks, trainer.evaluate());
      }
      return result;
    } finally {
      Ops.setRecording(recording);
    }
  }

  private Result run() throws IOException {
    if (state.restore()) {
      log.dropAfter(state.step);
    }
    while (state.step < options.steps() && !stoppedEarly()) {
      if (listener.stopRequested()) {
        state.save();
        return new Result(state.step, state.bestStep, state.best, false);
      }
      step();
      if (state.step % options.evaluateEvery() == 0 || state.step == options.steps()) {
        checkpoint();
      }
    }
    return new Result(state.step, state.bestStep, state.best, true);
  }

  private boolean stoppedEarly() {
    return options.patience() > 0 && state.evaluationsSinceBest >= options.patience();
  }

  private void step() {
    long begun = System.nanoTime();
    Autograd.seed(Seeds.mix(options.seed(), state.step));
    List<String> seen = new ArrayList<>();
    double loss = 0;
    long targets = 0;
    long tokens = 0;
    for (int i = 0; i < options.accumulation(); i++) {
      TrainingBatch batch = nextBatch((long) state.step * options.accumulation() + i);
      seen.addAll(batch.tasks());
      tokens += batch.tokens();
      for (int[] target : batch.targets()) {
        targets += target.length;
      }
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
    lossSum += loss;
    lossTokens += targets;
    double seconds = (System.nanoTime() - begun) / 1e9;
    listener.stepped(
        new TrainingListener.Step(
            state.step, options.steps(), loss / targets, norm, rate, tokens / seconds));
  }

  /** The next batch of the sampled task, or rows of as many sampled tasks. */
  private TrainingBatch nextBatch(long number) {
    record Row(int task, int row) {}
    List<Row> rows = new ArrayList<>();
    int draws = options.mixed() ? options.batchSize() : 1;
    for (int i = 0; i < draws; i++) {
      int task = sampler.task(number * draws + i);
      for (int row : plans.get(task).batch(state.positions[task]++)) {
        rows.add(new Row(task, row));
      }
    }
    rows.sort(Comparator.comparingInt(Row::task)); // runs of one task are computed together
    int[][] inputs = new int[rows.size()][];
    int[][] targets = new int[rows.size()][];
    List<String> names = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      TaskData data = tasks.get(rows.get(i).task());
      names.add(data.task().taskId());
      inputs[i] = data.train().inputs()[rows.get(i).row()];
      targets[i] = data.train().targets()[rows.get(i).row()];
    }
    return new TrainingBatch(names, inputs, targets);
  }

  /** Evaluates, keeps the best, and saves the state last: a kill before that repeats the steps. */
  private void checkpoint() throws IOException {
    Map<String, Double> metrics = evaluate();
    double loss = lossSum / Math.max(1, lossTokens);
    // Without validation rows the latest is the best.
    double average =
        metrics.values().stream().mapToDouble(Double::doubleValue).average().orElse(state.step);
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
    state.save();
    lossSum = 0;
    lossTokens = 0;
    listener.evaluated(evaluation);
  }

  private Map<String, Double> evaluate() {
    Map<String, Double> metrics = new LinkedHashMap<>();
    for (TaskData task : tasks) {
      if (task.validation().size() > 0) {
        metrics.put(task.task().taskId(), evaluator.measure(task, task.validation()));
      }
    }
    return metrics;
  }
}
