package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingOutcome.Failed;
import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.model.task.TaskDefinition;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that trains. It runs one job after the other, in the order of their tasks' first
 * submission. A task has one job: a newer one replaces an older one, which then has no outcome. A
 * failure is the outcome of its job; the thread goes on. Thread-safe.
 */
final class TrainerThread implements AdaptationTrainer, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TrainerThread.class);

  /** A job holds its task's examples, so the number of waiting jobs is bounded. */
  private static final int MOST_WAITING = 256;

  private static final long CLOSE_MILLIS = 3_000;

  private final Work work;
  private final MeterRegistry meters;
  private final Thread thread = new Thread(this::run, "hyperstream-trainer");
  private final Map<String, Submitted> waiting = new LinkedHashMap<>(); // guarded by this; by task
  private final Set<String> forgotten = new HashSet<>(); // guarded by this; tasks
  private Submitted current; // guarded by this; null while idle
  private boolean closed; // guarded by this

  /** What is done with a job. Trainer's thread only. */
  interface Work extends AutoCloseable {

    /**
     * Tests, trains and evaluates.
     *
     * @param cancelled to be asked often; once it says yes, the outcome does not matter
     */
    TrainingOutcome run(TrainingJob job, BooleanSupplier cancelled) throws Exception;

    /**
     * Prepares the next jobs of this one's task while the thread is idle.
     *
     * @param wanted to be asked often; once it says yes, something else is to do
     */
    void prepare(TrainingJob job, BooleanSupplier wanted) throws Exception;

    /** Drops what is remembered of a task's examples. */
    void forget(String taskId);

    /** See {@link AdaptationTrainer#problem}; any thread. */
    Optional<String> problem(TaskDefinition task);

    @Override
    void close();
  }

  private static final class Submitted {
    private final TrainingJob job;
    private final Consumer<TrainingOutcome> done;
    private final Context trace = Context.current(); // of who submits it
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
    // A hint: most systems ignore it unless configured. Training is bounded by its share of the
    // processors.
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

  @Override
  public synchronized void forget(String taskId) {
    forgotten.add(taskId);
    notifyAll();
  }

  @Override
  public Optional<String> problem(TaskDefinition task) {
    return work.problem(task);
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
          prepare(next.job);
        }
      }
    } finally {
      work.close();
    }
  }

  private void prepare(TrainingJob job) {
    try {
      work.prepare(job, this::isWanted);
    } catch (Exception | Error e) { // cancelled, or the next job will say it
      LOG.debug("Not prepared for '{}'", job.taskId(), e);
    }
  }

  private synchronized boolean isWanted() {
    return closed || !waiting.isEmpty() || !forgotten.isEmpty();
  }

  /** Waits for a job, forgetting meanwhile; null at the end. */
  private synchronized Submitted next() {
    current = null;
    while (!closed) {
      forgotten.forEach(work::forget);
      forgotten.clear();
      if (!waiting.isEmpty()) {
        break;
      }
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

  /** Runs in the trace of the submitter. */
  @SuppressWarnings("try") // scope and fields last as long as the block
  private TrainingOutcome outcomeOf(Submitted submitted) {
    try (Scope scope = submitted.trace.makeCurrent();
        LogFields fields = LogFields.ofTask(submitted.job.taskId())) {
      Span.current().addEvent("begun");
      return work(submitted);
    }
  }

  private TrainingOutcome work(Submitted submitted) {
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

  /** Cancels all jobs; the running one ends at its next step. */
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
