package io.hyperstream.app.inference;

import io.hyperstream.app.inference.BatchQueue.Queued;
import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.inference.InferenceException.Code;
import io.hyperstream.model.inference.MissingWeightsException;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.RowFailure;
import io.hyperstream.model.inference.RowResult;
import io.hyperstream.model.inference.TokenCounts;
import io.hyperstream.model.tensor.NativeMemory;
import io.hyperstream.schemas.Backoff;
import io.opentelemetry.api.trace.Span;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Forms batches across partitions, stream threads and tasks and runs them on one device. {@link
 * #submit} may be called from any thread and never waits; one worker thread talks to the predictor.
 *
 * <p>After a batch that fails a known-good row (the canary) is tried. If that passes, the batch is
 * at fault: it is halved, and its halves tried, down to the row that fails alone and, with the
 * canary passing in between, fails alone again. The canary is as long as the longest row that
 * failed: when memory is short, a tiny one would pass and the long row be blamed. If the canary
 * fails too, the device is at fault and its circuit opens: the rows go back into the queue, a new
 * worker with nothing left of the old one's state takes over, and backs off until the canary
 * passes. Nothing is dead-lettered for a device's error.
 */
final class InferenceEngine implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(InferenceEngine.class);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
  private static final long GIVE_BACK_NANOS = TimeUnit.MINUTES.toNanos(1);

  /** One row and where its result goes. */
  interface Job {
    PreparedRow row();

    /** Names it in the log. */
    default String requestId() {
      return "";
    }

    /** The span of the request; it may be ended. */
    default Span span() {
      return Span.getInvalid();
    }

    /** Whether anyone still waits; an unwanted row is dropped before its batch. */
    boolean isWanted();

    /** Called once, on the worker. */
    void complete(RowResult result);

    /** Called once, on the worker or the closing thread, if there will be no result. */
    void abandon(NotNowException reason);
  }

  private final Predictor predictor;
  private final BatchQueue queue;
  private final IntFunction<PreparedRow> canary;
  private final UnaryOperator<PreparedRow> freshest;
  private final Consumer<Path> missingWeights;
  private final InferenceMetrics metrics;
  private final InferenceSpans spans;
  private final Duration patience;

  private volatile Thread worker;
  private volatile Optional<String> deviceError = Optional.empty();
  private volatile long deviceSince; // nanoTime since the device is at it; 0 while it is idle
  private int workers; // worker thread only, after the first
  private int canaryTokens; // worker thread only

  /**
   * @param patience a batch that takes longer is a problem; ten times that is one for good
   * @param canary a row this predictor answers, of about so many tokens
   * @param freshest gives a row the adapters its task is served with now
   * @param missingWeights told of weights that were not found; their rows are abandoned
   */
  InferenceEngine(
      Predictor predictor,
      BatchPolicy policy,
      Duration patience,
      IntFunction<PreparedRow> canary,
      UnaryOperator<PreparedRow> freshest,
      Consumer<Path> missingWeights,
      InferenceMetrics metrics,
      InferenceSpans spans) {
    this.patience = patience;
    this.predictor = predictor;
    queue = new BatchQueue(policy);
    this.canary = canary;
    this.freshest = freshest;
    this.missingWeights = missingWeights;
    this.metrics = metrics;
    this.spans = spans;
    worker = newWorker(Optional.empty());
  }

  private Thread newWorker(Optional<Throwable> deviceFailure) {
    Thread thread = new Thread(() -> run(deviceFailure), "hyperstream-engine-" + workers++);
    thread.setDaemon(true);
    return thread;
  }

  InferenceEngine start() {
    worker.start();
    return this;
  }

  /** Queues a row; after {@link #close} the job is abandoned at once. */
  void submit(Job job) {
    enqueue(job, false);
  }

  /** Queues a row before all others: someone already waits for it. */
  void submitFirst(Job job) {
    enqueue(job, true);
  }

  private void enqueue(Job job, boolean first) {
    if (!queue.add(job, first)) {
      job.abandon(closed());
    }
  }

  private static NotNowException closed() {
    return new NotNowException("the engine is closed", null);
  }

  /** What is wrong with the device now; empty while it works. */
  Optional<String> deviceError() {
    return deviceError.isPresent() ? deviceError : overdue(patience);
  }

  /** What only a new process can fix; empty when there is no such thing, also before the start. */
  Optional<String> fatal() {
    return worker.getState() == Thread.State.TERMINATED
        ? Optional.of("the inference engine ended")
        : overdue(patience.multipliedBy(10));
  }

  /** Nothing interrupts a native call that does not return. */
  private Optional<String> overdue(Duration limit) {
    long since = deviceSince;
    long seconds = since == 0 ? 0 : TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - since);
    return since != 0 && System.nanoTime() - since > limit.toNanos()
        ? Optional.of("the device has been at one batch for " + seconds + " s")
        : Optional.empty();
  }

  /** Rows waiting for a batch. */
  int queuedRows() {
    return queue.size();
  }

  /** A worker's life; it ends at a device's error, and the next one begins with that. */
  private void run(Optional<Throwable> deviceFailure) {
    NativeMemory.keepFreed();
    try {
      Optional<Throwable> failure = serve(deviceFailure);
      if (failure.isPresent()) {
        metrics.workerRestarts.increment();
        worker = newWorker(failure);
        worker.start();
        return;
      }
    } catch (InterruptedException e) {
      LOG.info("The inference engine was interrupted");
    } catch (Throwable defect) {
      LOG.error("The inference engine ends on a defect of its own", defect);
      deviceError = Optional.of("the engine ended: " + defect);
    }
    queue.closeAndDrain().forEach(queued -> queued.job().abandon(closed()));
  }

  /** Answers batches until the queue is closed, or until the device fails: then returns how. */
  private Optional<Throwable> serve(Optional<Throwable> deviceFailure) throws InterruptedException {
    if (deviceFailure.isPresent() && !awaitDevice(deviceFailure.get())) {
      return Optional.empty();
    }
    long givenBack = System.nanoTime();
    for (List<Queued> batch = queue.next(); !batch.isEmpty(); batch = queue.next()) {
      Optional<Throwable> failure = answer(batch);
      if (failure.isPresent()) {
        return failure;
      }
      if (System.nanoTime() - givenBack > GIVE_BACK_NANOS) {
        NativeMemory.giveBackFreed();
        givenBack = System.nanoTime();
      }
    }
    return Optional.empty();
  }

  /** Answers a batch, in parts if need be; if the device fails, puts back the rest and says how. */
  private Optional<Throwable> answer(List<Queued> batch) {
    List<Queued> wanted = batch.stream().filter(queued -> queued.job().isWanted()).toList();
    Deque<List<Queued>> parts = new ArrayDeque<>();
    if (!wanted.isEmpty()) {
      parts.add(wanted);
    }
    while (!parts.isEmpty()) {
      List<Queued> part = parts.removeFirst();
      Optional<Throwable> failure = tryToAnswer(part);
      if (failure.isEmpty()) {
        continue;
      }
      if (failure.get() instanceof MissingWeightsException missing) {
        List<Queued> others = abandon(part, missing);
        if (others.size() < part.size()) {
          if (!others.isEmpty()) {
            parts.addFirst(others);
          }
          continue;
        }
      }
      if (part == wanted) {
        metrics.batchFailures.increment();
        LOG.warn("A batch of {} rows failed", wanted.size(), failure.get());
      }
      canaryTokens = part.stream().mapToInt(queued -> queued.job().row().tokens()).max().orElse(1);
      Optional<Throwable> device = tryCanary();
      if (device.isPresent()) {
        parts.addFirst(part);
        queue.putBack(parts.stream().flatMap(List::stream).toList());
        return device;
      }
      if (part.size() == 1) {
        tryToAnswer(part).ifPresent(again -> blame(part.get(0), again));
      } else {
        parts.addFirst(part.subList(part.size() / 2, part.size()));
        parts.addFirst(part.subList(0, part.size() / 2));
      }
    }
    return Optional.empty();
  }

  /** Gives up those rows that need the missing weights, for now; returns the others. */
  private List<Queued> abandon(List<Queued> part, MissingWeightsException missing) {
    missingWeights.accept(missing.file());
    List<Queued> others = new ArrayList<>();
    for (Queued queued : part) {
      Job job = queued.job();
      if (freshest.apply(job.row()).adapter().weightsFile().equals(Optional.of(missing.file()))) {
        job.abandon(new NotNowException("the task's weights are fetched again", missing));
      } else {
        others.add(queued);
      }
    }
    return others;
  }

  /** Empty if it worked. Whatever it throws: the next rows may be fine. */
  private Optional<Throwable> tryToAnswer(List<Queued> batch) {
    try {
      predict(batch);
      return Optional.empty();
    } catch (RuntimeException | Error e) {
      return Optional.of(e);
    } finally {
      deviceSince = 0;
    }
  }

  @SuppressWarnings("try") // the fields last as long as the block
  private static void blame(Queued queued, Throwable failure) {
    Job job = queued.job();
    String taskId = job.row().task().taskId();
    try (LogFields fields = LogFields.ofRequest(job.requestId(), taskId, job.span())) {
      LOG.warn("A row of task '{}' fails alone", taskId, failure);
    }
    job.complete(
        failure instanceof InferenceException e
            ? new RowFailure(e.code(), e.getMessage())
            : new RowFailure(Code.MODEL_ERROR, "the model fails on this text: " + failure));
  }

  private void predict(List<Queued> batch) {
    List<PreparedRow> rows =
        batch.stream().map(queued -> freshest.apply(queued.job().row())).toList();
    long start = System.nanoTime();
    deviceSince = start;
    TokenCounts before = predictor.tokenCounts();
    List<RowResult> results = compute(batch, rows);
    long end = System.nanoTime();
    deviceSince = 0;
    if (results.size() != rows.size()) {
      throw new IllegalStateException(
          "the predictor gave " + results.size() + " results for " + rows.size() + " rows");
    }
    measure(batch, rows, predictor.tokenCounts().since(before), start, end);
    for (int i = 0; i < results.size(); i++) {
      batch.get(i).job().complete(results.get(i));
    }
  }

  /** Its span is ended before anyone has an answer. */
  private List<RowResult> compute(List<Queued> batch, List<PreparedRow> rows) {
    Span span = spans.batch(batch);
    try {
      return predictor.predict(rows);
    } catch (RuntimeException | Error e) {
      Tracing.failed(span, e);
      throw e;
    } finally {
      span.end();
    }
  }

  private void measure(
      List<Queued> batch, List<PreparedRow> rows, TokenCounts counts, long start, long end) {
    for (Queued queued : batch) {
      metrics.queueTime.record(start - queued.sinceNanos(), TimeUnit.NANOSECONDS);
    }
    metrics.deviceTime.record(end - start, TimeUnit.NANOSECONDS);
    metrics.batchRows.record(rows.size());
    metrics.batchTasks.record(
        (double) rows.stream().map(row -> row.task().taskId()).distinct().count());
    metrics.sharedRatio.record(counts.shared());
  }

  /** Empty if the device answers a known-good row, as long as what it failed on. */
  private Optional<Throwable> tryCanary() {
    deviceSince = System.nanoTime();
    try {
      return predictor.predict(List.of(canary.apply(canaryTokens))).size() == 1
          ? Optional.empty()
          : Optional.of(new IllegalStateException("no answer for the canary row"));
    } catch (RuntimeException | Error e) {
      return Optional.of(e);
    } finally {
      deviceSince = 0;
    }
  }

  /** Returns when the device answers; false if the queue was closed before. */
  private boolean awaitDevice(Throwable error) throws InterruptedException {
    Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, metrics.deviceRetries::increment);
    Optional<Throwable> failure = Optional.of(error);
    while (failure.isPresent()) {
      deviceError = Optional.of("the device fails: " + failure.get());
      Duration pause = backoff.failed();
      if (backoff.isToBeSaid()) {
        LOG.error(
            "The device fails even on a known-good row (failure {}); it is tried again",
            backoff.failures(),
            failure.get());
      }
      if (!queue.pause(pause.toNanos())) {
        return false;
      }
      failure = tryCanary();
    }
    deviceError = Optional.empty();
    LOG.info("The device answers again");
    return true;
  }

  /** Answers what is queued, then ends. A second call does nothing. */
  @Override
  public void close() {
    queue.close();
    try {
      Thread joined;
      do {
        joined = worker;
        joined.join(TimeUnit.SECONDS.toMillis(10));
      } while (joined != worker); // it handed over meanwhile
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
