package io.hyperstream.app.inference;

import io.hyperstream.app.inference.BatchQueue.Queued;
import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.inference.InferenceException.Code;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.RowFailure;
import io.hyperstream.model.inference.RowResult;
import io.hyperstream.model.tensor.NativeMemory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Forms batches across partitions, stream threads and tasks and runs them on one device. {@link
 * #submit} may be called from any thread and never waits; one worker thread talks to the predictor.
 *
 * <p>A batch that fails as a whole is split and each row tried once alone. A row that fails alone
 * is at fault only if a known-good row (the canary) still passes; otherwise the device is, and the
 * worker backs off until the canary passes again: nothing is dead-lettered for a device's error.
 */
final class InferenceEngine implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(InferenceEngine.class);
  private static final Duration FIRST_BACK_OFF = Duration.ofMillis(100);
  private static final Duration LONGEST_BACK_OFF = Duration.ofSeconds(5);
  private static final long GIVE_BACK_NANOS = TimeUnit.MINUTES.toNanos(1);

  /** One row and where its result goes. */
  interface Job {
    PreparedRow row();

    /** Names it in the log. */
    default String requestId() {
      return "";
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
  private final PreparedRow canary;
  private final UnaryOperator<PreparedRow> freshest;
  private final InferenceMetrics metrics;
  private final Thread worker;

  private volatile Optional<String> deviceError = Optional.empty();

  /**
   * @param canary a row this predictor answers
   * @param freshest gives a row the adapters its task is served with now
   */
  InferenceEngine(
      Predictor predictor,
      BatchPolicy policy,
      PreparedRow canary,
      UnaryOperator<PreparedRow> freshest,
      InferenceMetrics metrics) {
    this.predictor = predictor;
    queue = new BatchQueue(policy);
    this.canary = canary;
    this.freshest = freshest;
    this.metrics = metrics;
    worker = new Thread(this::run, "hyperstream-engine-0");
    worker.setDaemon(true);
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
    return deviceError;
  }

  /** Whether the worker is there; false only before the start, after the end or after a defect. */
  boolean isAlive() {
    return worker.isAlive();
  }

  /** Rows waiting for a batch. */
  int queuedRows() {
    return queue.size();
  }

  private void run() {
    long givenBack = System.nanoTime();
    try {
      for (List<Queued> batch = queue.next(); !batch.isEmpty(); batch = queue.next()) {
        answer(batch);
        if (System.nanoTime() - givenBack > GIVE_BACK_NANOS) {
          NativeMemory.giveBackFreed();
          givenBack = System.nanoTime();
        }
      }
    } catch (InterruptedException e) {
      LOG.info("The inference engine was interrupted");
    } catch (Throwable defect) {
      LOG.error("The inference engine ends on a defect of its own", defect);
      deviceError = Optional.of("the engine ended: " + defect);
    } finally {
      abandonAll();
    }
  }

  private void answer(List<Queued> batch) throws InterruptedException {
    List<Queued> wanted = new ArrayList<>(batch);
    wanted.removeIf(queued -> !queued.job().isWanted());
    if (wanted.isEmpty()) {
      return;
    }
    try {
      predict(wanted);
    } catch (RuntimeException | OutOfMemoryError e) {
      metrics.batchFailures.increment();
      LOG.warn("A batch of {} rows failed; each is tried once alone", wanted.size(), e);
      answerOneByOne(wanted);
    }
  }

  private void predict(List<Queued> batch) {
    List<PreparedRow> rows =
        batch.stream().map(queued -> freshest.apply(queued.job().row())).toList();
    long start = System.nanoTime();
    List<RowResult> results = predictor.predict(rows);
    long end = System.nanoTime();
    if (results.size() != rows.size()) {
      throw new IllegalStateException(
          "the predictor gave " + results.size() + " results for " + rows.size() + " rows");
    }
    measure(batch, rows, start, end);
    for (int i = 0; i < results.size(); i++) {
      batch.get(i).job().complete(results.get(i));
    }
  }

  private void measure(List<Queued> batch, List<PreparedRow> rows, long start, long end) {
    int longest = 0;
    long tokens = 0;
    for (Queued queued : batch) {
      longest = Math.max(longest, queued.tokens());
      tokens += queued.tokens();
      metrics.queueTime.record(start - queued.sinceNanos(), TimeUnit.NANOSECONDS);
    }
    metrics.deviceTime.record(end - start, TimeUnit.NANOSECONDS);
    metrics.batchRows.record(rows.size());
    metrics.batchTasks.record(
        (double) rows.stream().map(row -> row.task().taskId()).distinct().count());
    double padded = (double) longest * rows.size();
    metrics.paddingRatio.record(1 - (double) tokens / padded);
  }

  private void answerOneByOne(List<Queued> batch) throws InterruptedException {
    for (int i = 0; i < batch.size(); i++) {
      Queued queued = batch.get(i);
      try {
        predict(List.of(queued));
      } catch (InferenceException e) {
        queued.job().complete(new RowFailure(e.code(), e.getMessage()));
      } catch (RuntimeException | OutOfMemoryError e) {
        Optional<Throwable> device = tryCanary();
        if (device.isPresent()) {
          queue.putBack(batch.subList(i, batch.size()));
          awaitDevice(device.get());
          return;
        }
        warnAlone(queued.job(), e);
        queued
            .job()
            .complete(new RowFailure(Code.MODEL_ERROR, "the model fails on this text: " + e));
      }
    }
  }

  private static void warnAlone(Job job, Throwable failure) {
    String taskId = job.row().task().taskId();
    MDC.put("requestId", job.requestId());
    MDC.put("taskId", taskId);
    LOG.warn("A row of task '{}' fails alone", taskId, failure);
    MDC.clear();
  }

  /** Empty if the device answers the known-good row. */
  private Optional<Throwable> tryCanary() {
    try {
      return predictor.predict(List.of(canary)).size() == 1
          ? Optional.empty()
          : Optional.of(new IllegalStateException("no answer for the canary row"));
    } catch (RuntimeException | OutOfMemoryError e) {
      return Optional.of(e);
    }
  }

  private void awaitDevice(Throwable error) throws InterruptedException {
    LOG.error("The device fails even on a known-good row; retrying with back-off", error);
    long pause = FIRST_BACK_OFF.toNanos();
    Optional<Throwable> failure = Optional.of(error);
    while (failure.isPresent()) {
      deviceError = Optional.of("the device fails: " + failure.get());
      if (!queue.pause(pause)) {
        abandonAll();
        return;
      }
      pause = Math.min(2 * pause, LONGEST_BACK_OFF.toNanos());
      failure = tryCanary();
    }
    deviceError = Optional.empty();
    LOG.info("The device answers again");
  }

  private void abandonAll() {
    queue.closeAndDrain().forEach(queued -> queued.job().abandon(closed()));
  }

  /** Answers what is queued, then ends. A second call does nothing. */
  @Override
  public void close() {
    queue.close();
    try {
      worker.join(TimeUnit.SECONDS.toMillis(10));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
