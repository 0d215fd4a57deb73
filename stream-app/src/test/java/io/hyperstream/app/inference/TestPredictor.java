package io.hyperstream.app.inference;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.inference.InferenceException.Code;
import io.hyperstream.model.inference.MissingWeightsException;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.RowFailure;
import io.hyperstream.model.inference.RowResult;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntPredicate;

/**
 * A predictor whose answers are plain to see: one token per word (its length), the label is the one
 * at (sum of the tokens modulo labels). Texts with "poison" fail their batch, "huge" makes it run
 * out of memory, "odd" fails alone.
 */
final class TestPredictor implements Predictor {
  static final String MODEL_ID = "test-model";
  static final int MAX_TOKENS = 32;

  /** A task whose answers have the score {@link #UNSURE}; others are sure. */
  static final String UNSURE_TASK = "unsure";

  static final float UNSURE = 0.75f;

  private final List<List<PreparedRow>> batches = Collections.synchronizedList(new ArrayList<>());
  private volatile Duration perRow = Duration.ZERO;
  private final List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger calls = new AtomicInteger();
  private volatile boolean deviceDown;
  private volatile boolean notFinite;
  private volatile Runnable preparation = () -> {};
  private volatile Runnable trial = () -> {};
  private volatile boolean readsWeights;
  private volatile int capacity = Integer.MAX_VALUE;
  private volatile int roomForTokens = Integer.MAX_VALUE;
  private volatile IntPredicate glitches = call -> false;
  private volatile CountDownLatch hang = new CountDownLatch(0);

  TestPredictor rowTakes(Duration time) {
    perRow = time;
    return this;
  }

  void deviceDown(boolean down) {
    deviceDown = down;
  }

  /** Runs first whenever a row is prepared; may throw. */
  void inPreparation(Runnable first) {
    preparation = first;
  }

  /** Runs first whenever a version is checked; may throw. */
  void inTrial(Runnable first) {
    trial = first;
  }

  /** From now on weights must be where they were for every batch. */
  void readWeights() {
    readsWeights = true;
  }

  /** Answers no row, as weights with a NaN among them do. */
  TestPredictor notFinite() {
    notFinite = true;
    return this;
  }

  /** Batches of more rows than this run out of memory. */
  TestPredictor roomFor(int rows) {
    capacity = rows;
    return this;
  }

  /** Rows of more tokens than this run out of memory. */
  void roomForTokens(int tokens) {
    roomForTokens = tokens;
  }

  /** Which calls, counted from 0, end in an error of the virtual machine, whatever is asked. */
  TestPredictor glitches(IntPredicate which) {
    glitches = which;
    return this;
  }

  /** Until it opens, no call returns. */
  void hangUntil(CountDownLatch latch) {
    hang = latch;
  }

  /** That called, each once, in order. */
  List<Thread> threads() {
    synchronized (threads) {
      return threads.stream().distinct().toList();
    }
  }

  List<List<PreparedRow>> batches() {
    synchronized (batches) {
      return List.copyOf(batches);
    }
  }

  @Override
  public String modelId() {
    return MODEL_ID;
  }

  @Override
  public TaskAdapter startingAdapter(TaskDefinition task) {
    return new TaskAdapter(task.taskId(), 0, new AdapterForm.Embedding(new float[] {0, 0, 0, 0}));
  }

  @Override
  public void check(TaskDefinition task) {}

  @Override
  public void check(TaskAdapter adapter) {
    trial.run();
    if (adapter.form() instanceof AdapterForm.Embedding embedding
        && (embedding.values().length != 4 || Float.isNaN(embedding.values()[3]))) {
      throw new InferenceException(Code.INVALID_TASK, "an embedding has 4 numbers here");
    }
  }

  @Override
  public PreparedRow prepare(
      TaskDefinition task, TaskAdapter adapter, String text, Optional<String> textPair) {
    preparation.run();
    if (task.template().needsPair() && textPair.isEmpty()) {
      throw new InferenceException(Code.MISSING_TEXT_PAIR, "send a textPair");
    }
    String input =
        textPair.isPresent()
            ? task.templatePair().render(text, textPair.get())
            : task.template().render(text, "");
    int[] tokens = List.of(input.split("\\s+")).stream().mapToInt(String::length).toArray();
    boolean tooLong = tokens.length > MAX_TOKENS;
    if (tooLong && task.overLength() == OverLengthPolicy.REJECT) {
      throw new InferenceException(Code.TEXT_TOO_LONG, "at most " + MAX_TOKENS + " tokens");
    }
    if (tooLong) {
      tokens = java.util.Arrays.copyOf(tokens, MAX_TOKENS);
    }
    if (input.contains("poison")) {
      tokens[0] = -1;
    } else if (input.contains("huge")) {
      tokens[0] = -3;
    } else if (input.contains("odd")) {
      tokens[0] = -2;
    }
    return new PreparedRow(task, adapter, tokens, tooLong);
  }

  @Override
  public List<RowResult> predict(List<PreparedRow> rows) {
    batches.add(List.copyOf(rows));
    threads.add(Thread.currentThread());
    pause(perRow.toNanos() * rows.size());
    waitForRelease();
    if (glitches.test(calls.getAndIncrement())) {
      throw new UnsatisfiedLinkError("a glitch");
    }
    if (rows.size() > capacity
        || rows.stream().anyMatch(row -> row.tokens() > roomForTokens)
        || rows.stream().anyMatch(row -> row.inputIds()[0] == -3)) {
      throw new OutOfMemoryError("no space for " + rows.size() + " rows");
    }
    for (PreparedRow row : rows) {
      Optional<Path> weights = row.adapter().weightsFile();
      if (readsWeights && weights.isPresent() && !Files.exists(weights.get())) {
        throw new MissingWeightsException(weights.get(), null);
      }
    }
    if (deviceDown) {
      throw new IllegalStateException("the test device is down");
    }
    if (notFinite) {
      return Collections.nCopies(
          rows.size(), new RowFailure(Code.MODEL_ERROR, "the scores are not finite"));
    }
    List<RowResult> results = new ArrayList<>();
    for (PreparedRow row : rows) {
      if (row.inputIds()[0] == -1) {
        throw new IllegalStateException("poison in a batch of " + rows.size());
      }
      results.add(row.inputIds()[0] == -2 ? oddity() : answer(row));
    }
    return results;
  }

  private static RowResult oddity() {
    return new RowFailure(Code.MODEL_ERROR, "an odd text");
  }

  private static TaskPrediction answer(PreparedRow row) {
    int labels = row.task().labels().size();
    int sum = 0;
    for (int token : row.inputIds()) {
      sum += token;
    }
    float[] distribution = new float[labels];
    float score = row.task().taskId().equals(UNSURE_TASK) ? UNSURE : 1;
    if (labels > 0) {
      distribution[sum % labels] = score;
      distribution[(sum + 1) % labels] = 1 - score;
    }
    boolean classes = row.task().kind() == TaskKind.CLASSIFICATION;
    Optional<String> abstained = row.task().abstains(score);
    return new TaskPrediction(
        row.task().kind(),
        classes && abstained.isEmpty()
            ? Optional.of(row.task().labels().get(sum % labels).name())
            : Optional.empty(),
        row.task().kind() == TaskKind.REGRESSION ? OptionalDouble.of(sum) : OptionalDouble.empty(),
        classes ? Optional.empty() : Optional.of(Integer.toString(sum)),
        score,
        distribution,
        row.adapter().version(),
        row.adapter().taught(),
        row.input().truncated(),
        false,
        OptionalDouble.empty(),
        abstained);
  }

  private void waitForRelease() {
    try {
      hang.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void pause(long nanos) {
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
