package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.adaptation.TrainingOutcome.Failed;
import io.hyperstream.app.adaptation.TrainingOutcome.Judged;
import io.hyperstream.app.adaptation.state.ModelProgress;
import io.hyperstream.app.adaptation.state.StoredVersion;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.adaptation.state.WaitingOrder;
import io.hyperstream.app.streams.Sentences;
import io.hyperstream.app.tracing.SpanKeys;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Backoff;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies the outcomes of jobs to a task's state, publishes better versions and reports. Stream
 * thread only.
 */
final class TrainingResults {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingResults.class);
  private static final int RECENT = 100;
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  static final Duration LONGEST_PAUSE = Duration.ofMinutes(10);

  private final TaskStore tasks;
  private final VersionLog versions;
  private final Publisher publisher;
  private final AdaptationMetrics metrics;

  TrainingResults(
      TaskStore tasks, VersionLog versions, Publisher publisher, AdaptationMetrics metrics) {
    this.tasks = tasks;
    this.versions = versions;
    this.publisher = publisher;
    this.metrics = metrics;
  }

  /** Applies the outcome of a job that still matches its task. */
  void apply(OwnedTask task, SubmittedJob job, TrainingOutcome outcome, long now) {
    TaskState state = task.state();
    if (outcome.tested().size() == job.job().untested().size()) {
      count(task, job, outcome.tested());
    }
    if (outcome.result() instanceof Failed failed) {
      failed(task, job, failed.reason(), now);
    } else {
      state.setFailures(0);
      state.setNotBefore(0L);
    }
    if (outcome.result() instanceof Judged judged) {
      if (job.job().kind() == Kind.ADAPT) {
        adapted(task, job, judged);
      } else {
        send(
            task,
            job,
            judged,
            AdaptationOutcome.EVALUATED,
            decide(task, job, judged).evaluation(),
            null);
      }
    }
    if (job.order().isPresent()) {
      state.getOrders().remove(0);
    }
    tasks.save(task);
  }

  /** Counts the examples that the champion was tested on before they were used for training. */
  private void count(OwnedTask task, SubmittedJob job, List<Boolean> tested) {
    TaskState state = task.state();
    ModelProgress progress = tasks.progress(state);
    long right = tested.stream().filter(one -> one).count();
    state.setTested(state.getTested() + tested.size());
    state.setCorrect(state.getCorrect() + right);
    progress.setChampionTested(progress.getChampionTested() + tested.size());
    progress.setChampionCorrect(progress.getChampionCorrect() + right);
    state.setTestedUpTo(job.testedUpTo());
    byte[] recent = SourcedRecords.bytes(state.getRecent());
    byte[] outcomes = SourcedRecords.bytes(state.getOutcomes());
    for (boolean one : tested) {
      recent = latest(recent, one, RECENT);
      outcomes = latest(outcomes, one, ErrorDrift.WINDOW);
      Optional<ErrorDrift.Found> drift = ErrorDrift.find(outcomes);
      if (drift.isPresent()) {
        int since = drift.get().since();
        outcomes = Arrays.copyOfRange(outcomes, outcomes.length - since, outcomes.length);
        drifted(task, drift.get());
      }
    }
    state.setRecent(ByteBuffer.wrap(recent));
    state.setOutcomes(ByteBuffer.wrap(outcomes));
    metrics.recentAccuracy(task.taskId(), recent);
  }

  private static byte[] latest(byte[] before, boolean right, int most) {
    byte[] all = Arrays.copyOf(before, before.length + 1);
    all[before.length] = (byte) (right ? 1 : 0);
    return all.length <= most ? all : Arrays.copyOfRange(all, all.length - most, all.length);
  }

  private void drifted(OwnedTask task, ErrorDrift.Found drift) {
    String reason =
        String.format(
            Locale.ROOT,
            "Answers are wrong more often than before: %.0f %% of the latest %d labels were"
                + " predicted right, %.0f %% of those before. Look at these labels: either the texts"
                + " changed, and examples of the new kind will help, or the labels mean something"
                + " else now, and the old examples should be forgotten.",
            100 * drift.after(),
            drift.since(),
            100 * drift.before());
    LOG.warn("Task '{}': {}", task.taskId(), reason);
    publisher.send(
        publisher
            .report(task.taskId(), AdaptationOutcome.DRIFTED)
            .setTrigger("drift")
            .setReason(reason));
  }

  private void adapted(OwnedTask task, SubmittedJob job, Judged judged) {
    TaskState state = task.state();
    PromotionPolicy.Decision decision = decide(task, job, judged);
    state.setNewExamples(Math.max(0, state.getNewExamples() - job.newExamples()));
    state.setRenew(false);
    if (!decision.promote()) {
      send(task, job, judged, AdaptationOutcome.NOT_PROMOTED, decision.reason(), null);
      return;
    }
    long champion = job.job().championVersion();
    long heldOutTrainedUpTo =
        judged.heldOutTrained()
            ? job.sequence()
            : versions
                .champion(task.taskId(), tasks.modelId(), tasks.progress(state))
                .map(StoredVersion::getHeldOutTrainedUpTo)
                .orElse(0L);
    Optional<Long> published =
        publisher.publish(
            task.taskId(),
            state,
            AdapterVersion.newBuilder(judged.candidate().orElseThrow())
                .setParent(champion == 0 ? null : champion)
                .setMetrics(judged.after())
                .setExamples(job.learntFrom(judged))
                .setReason(decision.reason()),
            StoredVersion.newBuilder()
                .setTrainedUpTo(job.sequence())
                .setHeldOutTrainedUpTo(heldOutTrainedUpTo)
                .setStart(judged.start().orElse(null)));
    if (published.isPresent()) {
      state.setTestedUpTo(job.testedUpTo()); // the new champion knows them: too late to ask
      send(task, job, judged, AdaptationOutcome.PROMOTED, decision.reason(), published.get());
    } else {
      String reason =
          "The new version is too large for a record and was not put in the model store.";
      send(task, job, judged, AdaptationOutcome.FAILED, reason, null);
    }
  }

  private PromotionPolicy.Decision decide(OwnedTask task, SubmittedJob job, Judged judged) {
    ModelProgress progress = tasks.progress(task.state());
    return PromotionPolicy.decide(
        judged,
        new PromotionPolicy.Terms(
            task.promotionProbability(),
            progress.getChampion(),
            progress.getLastVersion() + 1,
            task.labels().size(),
            task.heldOutFraction(),
            Optional.ofNullable(progress.getPinnedBy()),
            job.order()
                .filter(order -> order.getAction().equals(AdaptationAction.PROMOTE.name()))
                .map(order -> CommandHandler.who(order.getIssuedBy()))));
  }

  private void failed(OwnedTask task, SubmittedJob job, String reason, long now) {
    TaskState state = task.state();
    if (job.order().isEmpty()) {
      reason += (reason.endsWith(".") ? " " : ". ") + postpone(state, now);
    }
    if (job.job().kind() == Kind.TEST) {
      LOG.warn("Task '{}' cannot be tested: {}", task.taskId(), reason);
    } else {
      publisher.send(
          publisher
              .current(report(task.taskId(), AdaptationOutcome.FAILED, job), state)
              .setReason(job.explained(Sentences.of(reason))));
    }
    job.ended(AdaptationOutcome.FAILED);
  }

  /**
   * After a failure: pauses training and tests of the task, longer each time.
   *
   * @return a sentence that says so
   */
  String postpone(TaskState state, long now) {
    state.setFailures(Math.min(state.getFailures() + 1, Integer.MAX_VALUE - 1));
    Duration pause = Backoff.pause(FIRST_PAUSE, LONGEST_PAUSE, state.getFailures());
    state.setNotBefore(now + pause.toMillis());
    metrics.trainingRetries.increment();
    return "The next attempt is in " + pause.toSeconds() + " s.";
  }

  private void send(
      OwnedTask task,
      SubmittedJob job,
      Judged judged,
      AdaptationOutcome outcome,
      String reason,
      Long published) {
    publisher.send(
        publisher
            .current(report(task.taskId(), outcome, job), task.state())
            .setPublishedVersion(published)
            .setForm(judged.candidate().map(AdapterVersion::getForm).orElse(null))
            .setBefore(judged.before())
            .setAfter(judged.after())
            .setProbabilityBetter(
                judged.probabilityBetter().isPresent()
                    ? judged.probabilityBetter().getAsDouble()
                    : null)
            .setExamples(job.learntFrom(judged))
            .setHeldOut(judged.heldOutTrained() ? 0 : job.job().heldOut().size())
            .setReason(job.explained(reason)));
    if (published != null) {
      job.span().setAttribute(SpanKeys.ADAPTER_VERSION, published);
    }
    job.ended(outcome);
  }

  /** The fields common to all reports about a job. */
  AdaptationReport.Builder report(String taskId, AdaptationOutcome outcome, SubmittedJob job) {
    return publisher
        .report(taskId, outcome)
        .setTrigger(job.trigger())
        .setCommandId(job.order().map(WaitingOrder::getCommandId).orElse(null))
        .setChampionVersion(job.job().championVersion())
        .setStartedAt(Instant.ofEpochMilli(job.startedAt()));
  }
}
