package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.adaptation.TrainingOutcome.Failed;
import io.hyperstream.app.adaptation.TrainingOutcome.Judged;
import io.hyperstream.app.adaptation.state.StoredExample;
import io.hyperstream.app.adaptation.state.StoredVersion;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.adaptation.state.WaitingOrder;
import io.hyperstream.model.training.Example;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides when a task is tested or adapted, hands the jobs out and applies what comes of them. A
 * job is in memory only: what makes it due is in the store, so that after a crash it starts again.
 * Stream thread only.
 */
final class TrainingDesk {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingDesk.class);

  /** The trainer has one thread; more waiting jobs would only hold copies of examples. */
  private static final int MAX_JOBS = 4;

  private static final int MAX_TESTED_AT_ONCE = 256;
  private static final int RECENT = 100;
  private static final long FIRST_PAUSE_MILLIS = 1_000;
  private static final long LONGEST_PAUSE_MILLIS = 600_000;

  private final AdaptationTrainer trainer;
  private final TaskBook tasks;
  private final ExampleBuffer buffer;
  private final VersionLog versions;
  private final Publisher publisher;
  private final AdaptationMetrics metrics;
  private final Map<String, Running> running = new HashMap<>();
  private final Queue<TrainingOutcome> outcomes = new ConcurrentLinkedQueue<>();

  /** Tasks that may need a job, and from when on it makes sense to look. */
  private final Map<String, Long> attention = new LinkedHashMap<>();

  /** A job that was handed out, with the state it was made from. */
  private record Running(
      TrainingJob job,
      String trigger,
      Optional<WaitingOrder> order,
      long incarnation,
      ByteBuffer definition,
      long sequence,
      long testedUpTo,
      int newExamples,
      long startedAt) {

    /** Whether its outcome still means what it meant. */
    boolean matches(OwnedTask task, long champion) {
      return task.state().getIncarnation() == incarnation
          && task.state().getDefinition().equals(definition)
          && champion == job.championVersion();
    }
  }

  TrainingDesk(
      AdaptationTrainer trainer,
      TaskBook tasks,
      ExampleBuffer buffer,
      VersionLog versions,
      Publisher publisher,
      AdaptationMetrics metrics) {
    this.trainer = trainer;
    this.tasks = tasks;
    this.buffer = buffer;
    this.versions = versions;
    this.publisher = publisher;
    this.metrics = metrics;
  }

  /** After a start: finds what is due, and tasks that another model served last. */
  void survey() {
    for (String taskId : tasks.ids()) {
      TaskState state = tasks.state(taskId).orElseThrow();
      if (state.getDefinition() == null) {
        continue;
      }
      if (!state.getModelId().equals(tasks.modelId())) {
        // Served from what this model knows of the task; its examples teach it the rest.
        state.setModelId(tasks.modelId());
        state.setRenew(state.getSequence() > 0);
        state.setTested(0L);
        state.setCorrect(0L);
        state.setRecent(ByteBuffer.allocate(0));
        tasks.save(taskId, state);
      }
      attend(taskId);
    }
  }

  /** Says that something changed about a task. */
  void attend(String taskId) {
    attention.put(taskId, 0L);
  }

  /** Gives a running job up; what made it due stays. */
  void cancel(String taskId) {
    Running job = running.remove(taskId);
    if (job != null) {
      trainer.cancel(taskId, job.job().jobId());
      attend(taskId);
    }
  }

  /** Gives up a running adaptation and every order that waits, and reports each. */
  void abandon(String taskId, TaskState state, String reason) {
    Optional<Running> job = Optional.ofNullable(running.get(taskId));
    cancel(taskId);
    job.filter(given -> given.job().kind() == Kind.ADAPT && given.order().isEmpty())
        .ifPresent(
            given ->
                publisher.send(
                    report(taskId, AdaptationOutcome.CANCELLED, given).setReason(reason)));
    for (WaitingOrder order : state.getOrders()) {
      publisher.send(
          publisher
              .report(taskId, AdaptationOutcome.CANCELLED)
              .setTrigger(order.getAction())
              .setCommandId(order.getCommandId())
              .setReason(reason));
    }
    state.setOrders(new ArrayList<>());
  }

  /** Hands out what is due. */
  void start(long now) {
    List<String> due = new ArrayList<>();
    attention.forEach(
        (taskId, from) -> {
          if (from <= now && !running.containsKey(taskId)) {
            due.add(taskId);
          }
        });
    for (String taskId : due) {
      if (running.size() >= MAX_JOBS) {
        return;
      }
      attention.remove(taskId);
      tasks.find(taskId).ifPresent(task -> start(task, now));
    }
  }

  private void start(OwnedTask task, long now) {
    TaskState state = task.state();
    boolean adaptable = buffer.labels(task.taskId()) >= 2;
    if (!state.getOrders().isEmpty()) {
      WaitingOrder order = state.getOrders().get(0);
      if (adaptable) {
        submit(task, Kind.valueOf(order.getAction()), Optional.of(order), order.getAction(), now);
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
      attention.put(task.taskId(), earliest);
    }
    if (state.getTestedUpTo() < state.getSequence()) {
      if (now >= state.getNotBefore()) {
        submit(task, Kind.TEST, Optional.empty(), "", now);
      } else {
        attention.put(task.taskId(), state.getNotBefore());
      }
    }
  }

  private void refuse(OwnedTask task, WaitingOrder order) {
    task.state().getOrders().remove(0);
    tasks.save(task);
    publisher.send(
        publisher
            .report(task.taskId(), AdaptationOutcome.REFUSED)
            .setTrigger(order.getAction())
            .setCommandId(order.getCommandId())
            .setReason(CommandDesk.TOO_FEW));
    attend(task.taskId());
  }

  private void submit(
      OwnedTask task, Kind kind, Optional<WaitingOrder> order, String trigger, long now) {
    TaskState state = task.state();
    String taskId = task.taskId();
    Optional<StoredVersion> champion = champion(taskId, state);
    long trainedUpTo = champion.map(StoredVersion::getTrainedUpTo).orElse(0L);
    long heldOutTrainedUpTo = champion.map(StoredVersion::getHeldOutTrainedUpTo).orElse(0L);
    List<Example> untested = new ArrayList<>();
    List<Example> train = new ArrayList<>();
    List<Boolean> seen = new ArrayList<>();
    List<Example> heldOut = new ArrayList<>();
    long testedUpTo = state.getSequence();
    for (StoredExample stored : buffer.all(taskId)) {
      Example example =
          new Example(
              stored.getText(), Optional.ofNullable(stored.getTextPair()), stored.getLabel());
      if (stored.getSequence() > state.getTestedUpTo()) {
        if (kind == Kind.TEST && untested.size() == MAX_TESTED_AT_ONCE) {
          testedUpTo = stored.getSequence() - 1;
          break;
        }
        untested.add(example);
      }
      long learnt = stored.getHeldOut() ? heldOutTrainedUpTo : trainedUpTo;
      if (stored.getHeldOut() && stored.getSequence() > learnt) {
        heldOut.add(example);
      } else {
        train.add(example);
        seen.add(stored.getSequence() <= learnt);
      }
    }
    if (kind == Kind.TEST && untested.isEmpty()) {
      return;
    }
    TrainingJob job =
        new TrainingJob(
            taskId,
            UUID.randomUUID().toString(),
            kind,
            task.definition(),
            champion.map(versions::decode),
            untested,
            kind == Kind.TEST ? List.of() : train,
            kind == Kind.TEST ? List.of() : seen,
            kind == Kind.TEST ? List.of() : heldOut,
            task.policy().getTuneWeights(),
            champion.map(StoredVersion::getStart),
            31L * taskId.hashCode() + state.getSequence());
    running.put(
        taskId,
        new Running(
            job,
            trigger,
            order,
            state.getIncarnation(),
            state.getDefinition(),
            state.getSequence(),
            testedUpTo,
            state.getNewExamples(),
            now));
    if (kind == Kind.ADAPT) {
      state.setLastStarted(now);
      tasks.save(task);
    }
    trainer.submit(job, outcomes::add);
  }

  private Optional<StoredVersion> champion(String taskId, TaskState state) {
    long champion = tasks.progress(state).getChampion();
    return champion == 0
        ? Optional.empty()
        : versions.find(new VersionLog.Key(taskId, tasks.modelId(), champion));
  }

  /** Applies what the trainer finished. */
  void apply(long now) {
    for (TrainingOutcome next = outcomes.poll(); next != null; next = outcomes.poll()) {
      TrainingOutcome outcome = next;
      Running job = running.get(outcome.taskId());
      if (job != null && job.job().jobId().equals(outcome.jobId())) {
        running.remove(outcome.taskId());
        attend(outcome.taskId());
        tasks
            .find(outcome.taskId())
            .filter(task -> job.matches(task, tasks.progress(task.state()).getChampion()))
            .ifPresent(task -> apply(task, job, outcome, now));
      }
    }
  }

  private void apply(OwnedTask task, Running job, TrainingOutcome outcome, long now) {
    TaskState state = task.state();
    if (outcome.tested().size() == job.job().untested().size()) {
      count(task.taskId(), state, job, outcome.tested());
    }
    if (outcome.result() instanceof Failed failed) {
      failed(task, job, failed.reason(), now);
    } else if (outcome.result() instanceof Judged judged) {
      if (job.job().kind() == Kind.ADAPT) {
        adapted(task, job, judged);
      } else {
        send(task, job, judged, AdaptationOutcome.EVALUATED, evaluation(task, judged), null);
      }
    }
    if (job.order().isPresent()) {
      state.getOrders().remove(0);
    }
    tasks.save(task);
  }

  /** The examples the champion was asked about before it could learn them. */
  private void count(String taskId, TaskState state, Running job, List<Boolean> tested) {
    byte[] before = SourcedRecords.bytes(state.getRecent());
    byte[] all = Arrays.copyOf(before, before.length + tested.size());
    for (int i = 0; i < tested.size(); i++) {
      all[before.length + i] = (byte) (tested.get(i) ? 1 : 0);
      state.setCorrect(state.getCorrect() + all[before.length + i]);
    }
    state.setTested(state.getTested() + tested.size());
    state.setTestedUpTo(job.testedUpTo());
    byte[] recent = Arrays.copyOfRange(all, Math.max(0, all.length - RECENT), all.length);
    state.setRecent(ByteBuffer.wrap(recent));
    int right = 0;
    for (byte one : recent) {
      right += one;
    }
    if (recent.length > 0) {
      metrics.recentAccuracy(taskId, (double) right / recent.length);
    }
  }

  private void adapted(OwnedTask task, Running job, Judged judged) {
    TaskState state = task.state();
    PromotionPolicy.Decision decision = decide(task, judged);
    state.setNewExamples(Math.max(0, state.getNewExamples() - job.newExamples()));
    state.setRenew(false);
    state.setFailures(0);
    state.setNotBefore(0L);
    if (!decision.promote()) {
      send(task, job, judged, AdaptationOutcome.NOT_PROMOTED, decision.reason(), null);
      return;
    }
    long champion = job.job().championVersion();
    long heldOutTrainedUpTo =
        judged.heldOutTrained()
            ? job.sequence()
            : champion(task.taskId(), state).map(StoredVersion::getHeldOutTrainedUpTo).orElse(0L);
    Optional<Long> published =
        publisher.publish(
            task.taskId(),
            state,
            AdapterVersion.newBuilder(judged.candidate().orElseThrow())
                .setParent(champion == 0 ? null : champion)
                .setMetrics(judged.after())
                .setExamples(learntFrom(job, judged))
                .setReason(decision.reason()),
            StoredVersion.newBuilder()
                .setTrainedUpTo(job.sequence())
                .setHeldOutTrainedUpTo(heldOutTrainedUpTo)
                .setStart(judged.start().orElse(null)));
    if (published.isPresent()) {
      send(task, job, judged, AdaptationOutcome.PROMOTED, decision.reason(), published.get());
    } else {
      String reason =
          "The new version is too large for a record and was not put in the model store.";
      send(task, job, judged, AdaptationOutcome.FAILED, reason, null);
    }
  }

  private PromotionPolicy.Decision decide(OwnedTask task, Judged judged) {
    boolean first = tasks.progress(task.state()).getChampion() == 0;
    return PromotionPolicy.decide(judged, task.promotionProbability(), first);
  }

  private String evaluation(OwnedTask task, Judged judged) {
    PromotionPolicy.Decision decision = decide(task, judged);
    return (decision.promote() ? "A new version would be published. " : "") + decision.reason();
  }

  private void failed(OwnedTask task, Running job, String reason, long now) {
    TaskState state = task.state();
    if (job.order().isEmpty()) {
      state.setFailures(state.getFailures() + 1);
      int doublings = Math.min(20, state.getFailures() - 1);
      long pause = Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS << doublings);
      state.setNotBefore(now + pause);
      reason += " The next attempt is in " + pause / 1_000 + " s.";
    }
    if (job.job().kind() == Kind.TEST) {
      LOG.warn("Task '{}' cannot be tested: {}", task.taskId(), reason);
    } else {
      publisher.send(
          report(task.taskId(), AdaptationOutcome.FAILED, job)
              .setPrequentialAccuracy(Publisher.accuracy(state))
              .setReason(reason));
    }
  }

  private void send(
      OwnedTask task,
      Running job,
      Judged judged,
      AdaptationOutcome outcome,
      String reason,
      Long published) {
    publisher.send(
        report(task.taskId(), outcome, job)
            .setPublishedVersion(published)
            .setForm(judged.candidate().map(AdapterVersion::getForm).orElse(null))
            .setBefore(judged.before())
            .setAfter(judged.after())
            .setProbabilityBetter(
                judged.probabilityBetter().isPresent()
                    ? judged.probabilityBetter().getAsDouble()
                    : null)
            .setExamples(learntFrom(job, judged))
            .setHeldOut(judged.heldOutTrained() ? 0 : job.job().heldOut().size())
            .setPrequentialAccuracy(Publisher.accuracy(task.state()))
            .setReason(reason));
  }

  private static int learntFrom(Running job, Judged judged) {
    return job.job().train().size() + (judged.heldOutTrained() ? job.job().heldOut().size() : 0);
  }

  private AdaptationReport.Builder report(String taskId, AdaptationOutcome outcome, Running job) {
    return publisher
        .report(taskId, outcome)
        .setTrigger(job.trigger())
        .setCommandId(job.order().map(WaitingOrder::getCommandId).orElse(null))
        .setChampionVersion(job.job().championVersion())
        .setStartedAt(Instant.ofEpochMilli(job.startedAt()));
  }

  /** Jobs that are handed out. */
  int jobs() {
    return running.size();
  }

  void close() {
    running.forEach((taskId, job) -> trainer.cancel(taskId, job.job().jobId()));
    running.clear();
  }
}
