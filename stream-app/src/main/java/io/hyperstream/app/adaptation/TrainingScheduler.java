package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.adaptation.state.WaitingOrder;
import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Decides when a task is tested or adapted, submits the jobs and applies their outcomes. A job is
 * in memory only: what makes it due is in the store, so that after a crash it starts again. Stream
 * thread only.
 */
final class TrainingScheduler {
  /** The trainer has one thread; more waiting jobs would only hold copies of examples. */
  private static final int MAX_JOBS = 4;

  private final AdaptationTrainer trainer;
  private final TaskStore tasks;
  private final ExampleBuffer buffer;
  private final Publisher publisher;
  private final JobFactory jobs;
  private final TrainingResults results;
  private final Map<String, SubmittedJob> running = new HashMap<>();
  private final Queue<TrainingOutcome> outcomes = new ConcurrentLinkedQueue<>();

  /** Tasks that may need a job, and the time from which to check them. */
  private final Map<String, Long> recheckAt = new LinkedHashMap<>();

  TrainingScheduler(
      AdaptationTrainer trainer,
      TaskStore tasks,
      ExampleBuffer buffer,
      Publisher publisher,
      JobFactory jobs,
      TrainingResults results) {
    this.trainer = trainer;
    this.tasks = tasks;
    this.buffer = buffer;
    this.publisher = publisher;
    this.jobs = jobs;
    this.results = results;
  }

  /** After a start: finds tasks that are due, and tasks that another model served last. */
  void restore(long now) {
    for (String taskId : tasks.ids()) {
      TaskState state = tasks.state(taskId).orElseThrow();
      if (state.getDefinition() == null) {
        continue;
      }
      if (state.getLastStarted() > now
          || state.getNotBefore() > now + TrainingResults.LONGEST_PAUSE.toMillis()) {
        // Set while the clock was wrong; the task would wait until that time.
        state.setLastStarted(Math.min(now, state.getLastStarted()));
        state.setNotBefore(Math.min(now, state.getNotBefore()));
        tasks.save(taskId, state);
      }
      if (!state.getModelId().equals(tasks.modelId())) {
        // Served with this model's initial adapter until it is adapted from the kept examples.
        state.setModelId(tasks.modelId());
        state.setRenew(state.getSequence() > 0);
        state.setTested(0L);
        state.setCorrect(0L);
        state.setRecent(ByteBuffer.allocate(0));
        state.setOutcomes(ByteBuffer.allocate(0));
        tasks.progress(state).setChampionTested(0L);
        tasks.progress(state).setChampionCorrect(0L);
        tasks.save(taskId, state);
        buffer.forgetVectors(taskId);
      }
      recheck(taskId);
    }
  }

  /** Checks a task at the next {@link #start}, because it changed. */
  void recheck(String taskId) {
    recheckAt.put(taskId, 0L);
  }

  /** Cancels a running job. The task stays due. */
  void cancel(String taskId) {
    SubmittedJob job = running.remove(taskId);
    if (job != null) {
      trainer.cancel(taskId, job.job().jobId());
      job.ended(AdaptationOutcome.CANCELLED);
      recheck(taskId);
    }
  }

  /** Cancels the job and erases what the trainer remembers of the task's examples. */
  void forget(String taskId) {
    trainer.forget(taskId);
    cancel(taskId);
  }

  /** Cancels a running adaptation and every waiting command, and reports each. */
  void cancelAll(String taskId, TaskState state, String reason) {
    Optional<SubmittedJob> job = Optional.ofNullable(running.get(taskId));
    cancel(taskId);
    job.filter(given -> given.job().kind() == Kind.ADAPT && given.order().isEmpty())
        .ifPresent(
            given ->
                send(
                    results.report(taskId, AdaptationOutcome.CANCELLED, given).setReason(reason),
                    given.span()));
    for (WaitingOrder order : state.getOrders()) {
      send(
          publisher
              .report(taskId, AdaptationOutcome.CANCELLED)
              .setTrigger(order.getAction())
              .setCommandId(order.getCommandId())
              .setReason(reason),
          Span.wrap(JobSpans.asked(order)));
    }
    state.setOrders(new ArrayList<>());
  }

  /** Sends a report in the trace of its subject if there is one, else in the current trace. */
  @SuppressWarnings("try") // the scope lasts as long as the block
  private void send(AdaptationReport.Builder report, Span about) {
    try (Scope scope = traceOf(about).makeCurrent()) {
      publisher.send(report);
    }
  }

  private static Context traceOf(Span span) {
    Context current = Context.current();
    return span.getSpanContext().isValid() ? current.with(span) : current;
  }

  /** Submits the jobs that are due. */
  void start(long now) {
    List<String> due = new ArrayList<>();
    recheckAt.forEach(
        (taskId, from) -> {
          if (from <= now && !running.containsKey(taskId)) {
            due.add(taskId);
          }
        });
    for (String taskId : due) {
      if (running.size() >= MAX_JOBS) {
        return;
      }
      recheckAt.remove(taskId);
      tasks.find(taskId).ifPresent(task -> startLogged(task, now));
    }
  }

  @SuppressWarnings("try") // scope and fields last as long as the block
  private void startLogged(OwnedTask task, long now) {
    try (LogFields fields = LogFields.ofTask(task.taskId())) {
      start(task, now);
    }
  }

  private void start(OwnedTask task, long now) {
    TaskState state = task.state();
    boolean adaptable = buffer.labels(task.taskId()) >= 2;
    if (!state.getOrders().isEmpty()) {
      WaitingOrder order = state.getOrders().get(0);
      if (adaptable) {
        boolean evaluate = order.getAction().equals(AdaptationAction.EVALUATE.name());
        submit(
            task,
            evaluate ? Kind.EVALUATE : Kind.ADAPT,
            Optional.of(order),
            order.getAction(),
            now);
      } else {
        refuse(task, order);
      }
      return;
    }
    long earliest =
        Math.max(state.getNotBefore(), state.getLastStarted() + task.minIntervalMillis());
    boolean enough = state.getRenew() || state.getNewExamples() >= task.triggerExamples();
    boolean wanted = enough && adaptable && task.policy().getEnabled() && !state.getFrozen();
    if (wanted && now >= earliest) {
      submit(task, Kind.ADAPT, Optional.empty(), state.getRenew() ? "model" : "examples", now);
      return;
    }
    if (wanted) {
      recheckAt.put(task.taskId(), earliest);
    }
    if (state.getTestedUpTo() < state.getSequence()) {
      if (now >= state.getNotBefore()) {
        submit(task, Kind.TEST, Optional.empty(), "", now);
      } else {
        recheckAt.put(task.taskId(), state.getNotBefore());
      }
    }
  }

  /** No job can be made. The task stays due; a command is reported as failed. */
  private void impossible(OwnedTask task, Optional<WaitingOrder> order, String why, long now) {
    String reason = why;
    if (order.isPresent()) {
      task.state().getOrders().remove(0);
    } else {
      reason += " " + results.postpone(task.state(), now);
    }
    tasks.save(task);
    send(
        publisher
            .report(task.taskId(), AdaptationOutcome.FAILED)
            .setTrigger(order.map(WaitingOrder::getAction).orElse("examples"))
            .setCommandId(order.map(WaitingOrder::getCommandId).orElse(null))
            .setReason(reason),
        order.map(JobSpans::asked).map(Span::wrap).orElse(Span.getInvalid()));
    recheck(task.taskId());
  }

  private void refuse(OwnedTask task, WaitingOrder order) {
    task.state().getOrders().remove(0);
    tasks.save(task);
    send(
        publisher
            .report(task.taskId(), AdaptationOutcome.REFUSED)
            .setTrigger(order.getAction())
            .setCommandId(order.getCommandId())
            .setReason(CommandHandler.TOO_FEW),
        Span.wrap(JobSpans.asked(order)));
    recheck(task.taskId());
  }

  @SuppressWarnings("try") // scope and fields last as long as the block
  private void submit(
      OwnedTask task, Kind kind, Optional<WaitingOrder> order, String trigger, long now) {
    Optional<String> lacking = jobs.lacking(task);
    if (lacking.isPresent()) {
      impossible(task, order, lacking.get(), now);
      return;
    }
    jobs.make(task, kind, order, trigger, now)
        .ifPresent(
            given -> {
              running.put(task.taskId(), given);
              if (kind == Kind.ADAPT) {
                task.state().setLastStarted(now);
                tasks.save(task);
              }
              try (Scope scope = traceOf(given.span()).makeCurrent()) {
                trainer.submit(given.job(), outcomes::add);
              }
            });
  }

  /** Applies the outcomes of finished jobs. */
  void apply(long now) {
    for (TrainingOutcome next = outcomes.poll(); next != null; next = outcomes.poll()) {
      TrainingOutcome outcome = next;
      SubmittedJob job = running.get(outcome.taskId());
      if (job != null && job.job().jobId().equals(outcome.jobId())) {
        running.remove(outcome.taskId());
        recheck(outcome.taskId());
        apply(job, outcome, now);
      }
    }
  }

  @SuppressWarnings("try") // scope and fields last as long as the block
  private void apply(SubmittedJob job, TrainingOutcome outcome, long now) {
    try (Scope scope = traceOf(job.span()).makeCurrent();
        LogFields fields = LogFields.ofTask(outcome.taskId())) {
      tasks
          .find(outcome.taskId())
          .filter(task -> job.matches(task, tasks.progress(task.state()).getChampion()))
          .ifPresentOrElse(
              task -> {
                results.apply(task, job, outcome, now);
                buffer.tested(task.taskId(), task.state().getTestedUpTo());
                buffer.keepVectors(task.taskId(), outcome.vectors());
              },
              () -> {
                job.ended("OUTDATED");
                tasks
                    .find(outcome.taskId())
                    .ifPresent(
                        task -> {
                          results.postpone(task.state(), now);
                          tasks.save(task);
                        });
              });
    }
  }

  void close() {
    running.forEach(
        (taskId, job) -> {
          trainer.cancel(taskId, job.job().jobId());
          job.ended(AdaptationOutcome.CANCELLED);
        });
    running.clear();
  }
}
