package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingOutcome.Failed;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that trains, job after job in the order of their tasks' first submission. A task
 * has one job: a newer one takes the place of an older, whose outcome nobody gets. Whatever goes
 * wrong in a job is its outcome; the thread goes on. Thread-safe.
 */
final class TrainerThread implements AdaptationTrainer, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TrainerThread.class);

  /** A job holds its task's examples, so not any number of them may wait. */
  private static final int MOST_WAITING = 256;

  private static final long CLOSE_MILLIS = 3_000;

  private final Work work;
  private final MeterRegistry meters;
  private final Thread thread = new Thread(this::run, "hyperstream-trainer");
  private final Map<String, Submitted> waiting = new LinkedHashMap<>(); // guarded by this; by task
  private Submitted current; // guarded by this; null while idle
  private boolean closed; // guarded by this

  /** What is done with a job. Trainer's thread only. */
  interface Work extends AutoCloseable {

    /**
     * Tests, trains and judges.
     *
     * @param cancelled to be asked often; once it says yes, the outcome does not matter
     */
    TrainingOutcome run(TrainingJob job, BooleanSupplier cancelled) throws Exception;

    @Override
    void close();
  }

  private static final class Submitted {
    private final TrainingJob job;
    private final Consumer<TrainingOutcome> done;
    private volatile boolean cancelled;

    Submitted(TrainingJob job, Consumer<TrainingOutcome> done) {
      this.job = job;
      this.done = done;
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // only a hint, nothing relies on it
  TrainerThread(Work work, MeterRegistry meters) {
    this.work = work;
    this.meters = meters;
    Gauge.builder("hyperstream.adaptation.jobs", this, TrainerThread::jobs)
        .description("Training jobs that wait or run")
        .register(meters);
    thread.setDaemon(true);
    // A hint: most systems heed it only if told so. The share of processors is what bounds
    // training.
    thread.setPriority(Thread.MIN_PRIORITY);
  }

  void start() {
    thread.start();
  }

  @Override
  public void submit(TrainingJob job, Consumer<TrainingOutcome> done) {
    Submitted submitted = new Submitted(job, done);
    boolean accepted;
    synchronized (this) {
      if (closed) {
        return;
      }
      if (current != null && current.job.taskId().equals(job.taskId())) {
        current.cancelled = true;
      }
      accepted = waiting.containsKey(job.taskId()) || waiting.size() < MOST_WAITING;
      if (accepted) {
        waiting.put(job.taskId(), submitted);
        notifyAll();
      }
    }
    if (!accepted) {
      String reason = MOST_WAITING + " other tasks are waiting for the trainer; try again later";
      done.accept(new TrainingOutcome(job.taskId(), job.jobId(), List.of(), new Failed(reason)));
    }
  }

  @Override
  public synchronized void cancel(String taskId, String jobId) {
    Submitted next = waiting.get(taskId);
    if (next != null && next.job.jobId().equals(jobId)) {
      waiting.remove(taskId);
    }
    if (current != null && current.job.jobId().equals(jobId)) {
      current.cancelled = true;
    }
  }

  /** Jobs that wait or run. */
  synchronized int jobs() {
    return waiting.size() + (current == null ? 0 : 1);
  }

  private void run() {
    try {
      for (Submitted next = next(); next != null; next = next()) {
        TrainingOutcome outcome = outcomeOf(next);
        if (!next.cancelled) {
          next.done.accept(outcome);
        }
      }
    } finally {
      work.close();
    }
  }

  /** Waits for a job; null at the end. */
  private synchronized Submitted next() {
    current = null;
    while (waiting.isEmpty() && !closed) {
      try {
        wait();
      } catch (InterruptedException e) {
        closed = true;
      }
    }
    if (closed) {
      return null;
    }
    Iterator<Submitted> first = waiting.values().iterator();
    current = first.next();
    first.remove();
    return current;
  }

  private TrainingOutcome outcomeOf(Submitted submitted) {
    TrainingJob job = submitted.job;
    long start = System.nanoTime();
    TrainingOutcome outcome;
    try {
      outcome = work.run(job, () -> submitted.cancelled);
    } catch (Exception | Error e) { // native code out of memory throws either
      if (!submitted.cancelled) {
        LOG.warn("Job {} of task '{}' failed", job.jobId(), job.taskId(), e);
      }
      Failed failed = new Failed(sentence(job, e));
      outcome = new TrainingOutcome(job.taskId(), job.jobId(), List.of(), failed);
    }
    String end =
        submitted.cancelled ? "cancelled" : outcome.result() instanceof Failed ? "failed" : "done";
    Timer.builder("hyperstream.adaptation.job.time")
        .description("One training job, by what was asked and how it ended")
        .tag("kind", job.kind().name())
        .tag("end", end)
        .register(meters)
        .record(System.nanoTime() - start, TimeUnit.NANOSECONDS);
    return outcome;
  }

  private static String sentence(TrainingJob job, Throwable e) {
    if (e instanceof OutOfMemoryError) {
      return "the process ran out of memory with "
          + (job.train().size() + job.heldOut().size())
          + " examples; give it more or keep fewer examples per label";
    }
    return "training failed: " + (e.getMessage() == null ? e : e.getMessage());
  }

  /** Gives all jobs up; the one under way ends at its next step. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      waiting.clear();
      if (current != null) {
        current.cancelled = true;
      }
      notifyAll();
    }
    try {
      thread.join(CLOSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (thread.isAlive()) {
      LOG.warn("The trainer is still busy after {} ms; its outcome will not count", CLOSE_MILLIS);
    }
  }
}
