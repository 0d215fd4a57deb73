package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationFixture.MODEL;
import static io.hyperstream.app.adaptation.AdaptationFixture.command;
import static io.hyperstream.app.adaptation.AdaptationFixture.policy;
import static io.hyperstream.app.adaptation.AdaptationFixture.task;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.model.training.Example;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.ServedState;
import io.micrometer.core.instrument.Counter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The adaptation topology")
class AdaptationTopologyTest {
  @TempDir private Path folder;
  private AdaptationFixture app;
  private FakeTrainer trainer;

  @BeforeEach
  void start() throws Exception {
    app = new AdaptationFixture(folder);
    trainer = app.trainer;
  }

  @AfterEach
  void stop() {
    app.close();
  }

  @Test
  @DisplayName("names its processors, stores and internal topics")
  void describes() {
    assertThat(app.topology.describe().toString())
        .contains("sources", "check", "adapt", "adapters", "adapter-versions", "reports")
        .contains("by-task-repartition", "tasks", "examples", "versions", "waiting-for-definitions")
        .doesNotContain("KSTREAM")
        .doesNotContain("by-request");
  }

  @Test
  @DisplayName("keeps its stores apart from the topics users own, whatever their partitions")
  void parts() {
    assertThat(app.topology.describe().subtopologies()).hasSize(2);
  }

  @Test
  @DisplayName("tests an example at once and adapts after as many as the policy says")
  void triggersByCount() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 3);
    app.tick();
    TrainingJob test = trainer.take();
    assertThat(test.kind()).isEqualTo(Kind.TEST);
    assertThat(test.untested())
        .extracting(Example::text)
        .containsExactly("text 0", "text 1", "text 2");
    assertThat(test.train()).hasSize(3); // for what is likely to come next
    trainer.tested(test, true);
    app.tick();
    assertThat(trainer.idle()).isTrue();

    app.labels("mood", 3, 4);
    app.tick();
    TrainingJob job = trainer.take();
    assertThat(job.kind()).isEqualTo(Kind.ADAPT);
    assertThat(job.untested()).extracting(Example::text).containsExactly("text 3");
    assertThat(job.train()).hasSize(4);
    assertThat(job.seenByChampion()).containsOnly(false);
    assertThat(job.champion()).isEmpty();
    assertThat(app.reports()).isEmpty();
  }

  @Test
  @DisplayName(
      "a test has nothing to get ready for if the task has too many examples, or is frozen")
  void nothingToPrepare() {
    app.define(task("mood", "good", "bad").setAdaptation(policy(1000).build()));
    app.labels("mood", 0, 65);
    app.tick();
    TrainingJob many = trainer.take();
    assertThat(many.kind()).isEqualTo(Kind.TEST);
    assertThat(many.untested()).hasSize(65);
    assertThat(many.train()).isEmpty();
    assertThat(many.heldOut()).isEmpty();

    app.define("calm", "good", "bad");
    app.command(command("calm", AdaptationAction.FREEZE));
    app.labels("calm", 0, 2);
    app.tick();
    TrainingJob frozen = trainer.take();
    assertThat(frozen.taskId()).isEqualTo("calm");
    assertThat(frozen.train()).isEmpty();
  }

  @Test
  @DisplayName("publishes a better version everywhere it has to be, in one go")
  void promotes() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    app.adapt("mood", 0.85);

    AdapterVersion served = app.served().get(MODEL + "|mood");
    assertThat(served.getVersion()).isEqualTo(1);
    assertThat(served.getParent()).isNull();
    assertThat(served.getTaskId()).isEqualTo("mood");
    assertThat(served.getModelId()).isEqualTo(MODEL);
    assertThat(served.getEmbedding()).containsExactly(1f, 2f);
    assertThat(served.getExamples()).isEqualTo(4);
    assertThat(served.getMetrics()).containsEntry("accuracy", 0.75);
    assertThat(app.kept()).containsExactly(Map.entry(MODEL + "|mood|1", served));
    AdaptationReport report = app.report(AdaptationOutcome.PROMOTED);
    assertThat(report.getTrigger()).isEqualTo("examples");
    assertThat(report.getCommandId()).isNull();
    assertThat(report.getChampionVersion()).isZero();
    assertThat(report.getPublishedVersion()).isEqualTo(1);
    assertThat(report.getForm()).isEqualTo(AdapterForm.EMBEDDING);
    assertThat(report.getBefore()).containsEntry("accuracy", 0.5);
    assertThat(report.getAfter()).containsEntry("log_loss", 0.4);
    assertThat(report.getProbabilityBetter()).isEqualTo(0.85);
    assertThat(report.getExamples()).isEqualTo(4);
    assertThat(report.getPrequentialAccuracy()).isEqualTo(1.0);
    assertThat(report.getReason())
        .startsWith("Version 1 serves now: it gets 9 of 12 left-out examples right where the model")
        .contains("0.85, 0.80 asked of a first version");
  }

  @Test
  @DisplayName("asks more of a second version, and tells the champion apart from its examples")
  void secondVersion() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    app.adapt("mood", 1);
    app.reports();
    app.labels("mood", 4, 8);
    TrainingJob job = app.adapt("mood", 0.85);
    assertThat(job.championVersion()).isEqualTo(1);
    assertThat(job.start()).contains("mean");
    assertThat(job.seenByChampion())
        .containsExactly(true, true, true, true, false, false, false, false);
    AdaptationReport report = app.report(AdaptationOutcome.NOT_PROMOTED);
    assertThat(report.getReason())
        .startsWith("Version 1 still serves: the new one was not surely better (probability 0.85");
    assertThat(report.getPublishedVersion()).isNull();

    app.served();
    app.labels("mood", 8, 12);
    app.adapt("mood", 0.95);
    AdapterVersion second = app.served().get(MODEL + "|mood");
    assertThat(second.getVersion()).isEqualTo(2);
    assertThat(second.getParent()).isEqualTo(1);
  }

  @Test
  @DisplayName("keeps held-out examples from training, and knows once they were trained on")
  void heldOut() {
    app.define(
        task("mood", "good", "bad").setAdaptation(policy(40).setHeldOutFraction(0.5).build()));
    app.labels("mood", 0, 40);
    app.tick();
    TrainingJob first = trainer.take();
    assertThat(first.heldOut()).hasSizeBetween(10, 30);
    assertThat(first.train()).hasSize(40 - first.heldOut().size());
    trainer.judged(first, 1, true);
    app.tick();
    AdaptationReport report = app.report();
    assertThat(report.getExamples()).isEqualTo(40);
    assertThat(report.getHeldOut()).isZero();

    app.labels("mood", 40, 80);
    app.tick();
    TrainingJob second = trainer.take();
    assertThat(second.train()).hasSizeGreaterThan(40).containsAll(first.heldOut());
    assertThat(Collections.frequency(second.seenByChampion(), true)).isEqualTo(40);
    assertThat(second.heldOut()).isNotEmpty().doesNotContainAnyElementsOf(first.heldOut());
    trainer.judged(second, 1, false);
    app.tick();
    assertThat(app.report().getHeldOut()).isEqualTo(second.heldOut().size());

    app.labels("mood", 80, 120);
    app.tick();
    assertThat(trainer.take().heldOut()).containsAll(second.heldOut());
  }

  @Test
  @DisplayName("says why there is no new version")
  void nothingUsable() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    app.tick();
    trainer.nothingUsable(trainer.take(), "every text contradicts another");
    app.tick();
    AdaptationReport report = app.report(AdaptationOutcome.NOT_PROMOTED);
    assertThat(report.getReason()).containsIgnoringCase("every text contradicts another");
    assertThat(report.getForm()).isNull();
    assertThat(app.served()).isEmpty();
    // What could not be tested is tested later; the attempt itself is not repeated.
    app.tick();
    assertThat(trainer.take().kind()).isEqualTo(Kind.TEST);
  }

  @Test
  @DisplayName("waits for a second label, for the interval, and does nothing where it is disabled")
  void waits() {
    app.define(
        task("one", "good", "bad").setAdaptation(policy(2).setMinIntervalSeconds(60).build()));
    app.label("one", "a", "good");
    app.label("one", "b", "good");
    app.tick();
    TrainingJob test = trainer.take();
    assertThat(test.kind()).isEqualTo(Kind.TEST);
    trainer.tested(test, true);
    app.label("one", "c", "bad");
    app.adapt("one", 1);
    app.label("one", "d", "bad");
    app.label("one", "e", "good");
    app.tick();
    test = trainer.take();
    assertThat(test.kind()).isEqualTo(Kind.TEST);
    trainer.tested(test, true);
    app.wait(Duration.ofSeconds(50));
    assertThat(trainer.idle()).isTrue();
    app.wait(Duration.ofSeconds(10));
    assertThat(trainer.take().kind()).isEqualTo(Kind.ADAPT);

    app.define(task("off", "good", "bad").setAdaptation(policy(1).setEnabled(false).build()));
    app.labels("off", 0, 8);
    app.tick();
    assertThat(trainer.take().kind()).isEqualTo(Kind.TEST);
  }

  @Test
  @DisplayName("takes the application's policy where the task has none")
  void defaultPolicy() {
    app.define(task("mood", "good", "bad").setAdaptation(null));
    app.labels("mood", 0, 7);
    app.tick();
    TrainingJob test = trainer.take();
    trainer.tested(test, true);
    app.labels("mood", 7, 8);
    app.tick();
    assertThat(test.kind()).isEqualTo(Kind.TEST);
    assertThat(trainer.take().kind()).isEqualTo(Kind.ADAPT);
  }

  @Test
  @DisplayName("keeps the running accuracy of answers given before their labels counted")
  void prequential() {
    app.define(task("mood", "good", "bad").setAdaptation(policy(1_000).build()));
    app.labels("mood", 0, 120);
    app.tick();
    trainer.tested(trainer.take(), false);
    app.tick();
    app.labels("mood", 120, 150);
    app.tick();
    TrainingJob second = trainer.take();
    assertThat(second.untested()).hasSize(30);
    trainer.tested(second, true);
    app.tick();
    TaskState state = app.state("mood");
    assertThat(state.getTested()).isEqualTo(150);
    assertThat(state.getCorrect()).isEqualTo(30);
    assertThat(app.meters.get("hyperstream.prequential.accuracy").gauge().value())
        .isCloseTo(0.3, within(1e-9)); // of the latest hundred
    assertThat(trainer.idle()).isTrue();
  }

  @Test
  @DisplayName("says once when what serves is wrong more often than it was, across versions")
  void drift() {
    app.define(task("mood", "good", "bad").setAdaptation(policy(1_000).build()));
    app.labels("mood", 0, 60);
    app.tick();
    trainer.tested(trainer.take(), true);
    app.tick();
    assertThat(app.reports()).isEmpty();
    Counter drifts = app.meters.get("hyperstream.adaptations").tag("outcome", "DRIFTED").counter();
    assertThat(drifts.count()).isZero(); // there from the start, or its alert misses the first
    app.labels("mood", 60, 120);
    app.tick();
    trainer.tested(trainer.take(), false);
    app.tick();
    AdaptationReport report = app.report(AdaptationOutcome.DRIFTED);
    assertThat(report.getTaskId()).isEqualTo("mood");
    assertThat(report.getReason())
        .startsWith(
            "Answers are wrong more often than before: 38 % of the latest 8 labels were predicted"
                + " right, 100 % of those before.");
    assertThat(app.reports()).isEmpty(); // once
    assertThat(drifts.count()).isOne();
    assertThat(app.state("mood").getOutcomes().remaining()).isEqualTo(63);
    app.report("mood", AdaptationAction.RESET);
    assertThat(app.state("mood").getOutcomes().remaining()).isZero();
  }

  @Test
  @DisplayName("counts apart what the version that serves got right, from its first label on")
  void accuracyOfTheChampion() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 3);
    app.tick();
    trainer.tested(trainer.take(), false);
    app.tick();
    app.label("mood", "the last", "bad");
    app.adapt("mood", 1);
    AdaptationReport first = app.report(AdaptationOutcome.PROMOTED);
    assertThat(first.getPrequentialAccuracy()).isEqualTo(0.25);
    assertThat(first.getServed()).isEqualTo(new ServedState(1L, 0L, 0L, null));
    assertThat(app.meters.get("hyperstream.prequential.accuracy").gauge().value()).isNaN();

    app.labels("mood", 10, 13);
    app.tick();
    trainer.tested(trainer.take(), true);
    app.tick();
    AdaptationReport later = app.report("mood", AdaptationAction.FREEZE);
    assertThat(later.getServed()).isEqualTo(new ServedState(1L, 3L, 3L, null));
    assertThat(later.getPrequentialExamples()).isEqualTo(7); // of all versions
    assertThat(later.getPrequentialAccuracy()).isEqualTo(4 / 7.0);
    assertThat(app.meters.get("hyperstream.prequential.accuracy").gauge().value()).isEqualTo(1);
    assertThat(app.meters.get("hyperstream.prequential.accuracy.low").gauge().value())
        .isCloseTo(0.4385, within(1e-4));
    assertThat(app.meters.get("hyperstream.prequential.accuracy.high").gauge().value()).isOne();
    assertThat(app.meters.get("hyperstream.prequential.labels").gauge().value()).isEqualTo(3);

    assertThat(app.report("mood", AdaptationAction.RESET).getServed())
        .isEqualTo(new ServedState(0L, 0L, 0L, null));
    app.label("mood", "one more", "bad");
    app.tick();
    trainer.tested(trainer.take(), true);
    app.tick();
    assertThat(app.report("mood", AdaptationAction.PIN).getServed().getTested()).isEqualTo(1);
    app.retire("mood");
    assertThat(app.meters.get("hyperstream.prequential.accuracy").gauge().value()).isNaN();
    app.define("mood", "good", "bad");
    assertThat(app.report("mood", AdaptationAction.FREEZE).getServed())
        .isEqualTo(new ServedState(0L, 0L, 0L, null));
  }

  @Test
  @DisplayName(
      "counts every label that is still valid, though its example was evicted before its test")
  void prequentialOfLeaving() {
    app.define(
        task("mood", "good", "bad").setAdaptation(policy(1_000).setMaxExamplesPerLabel(2).build()));
    app.labels("mood", 0, 10);
    app.label("mood", "text 9", "good"); // replaced: counts once, as it stands
    app.label("mood", "text 1", null); // taken back, while it was leaving
    app.tick();
    TrainingJob test = trainer.take();
    assertThat(test.untested()).hasSize(9);
    assertThat(app.examples("mood")).hasSizeLessThanOrEqualTo(4);
    app.command(command("mood", AdaptationAction.EVALUATE));
    trainer.tested(test, true);
    app.tick();
    TrainingJob evaluation = trainer.take();
    assertThat(evaluation.untested()).isEmpty();
    assertThat(evaluation.train()).hasSameSizeAs(app.examples("mood").keySet());
    trainer.judged(evaluation, 1);
    app.tick();
    AdaptationReport report = app.report(AdaptationOutcome.EVALUATED);
    assertThat(report.getPrequentialExamples()).isEqualTo(9);
    assertThat(report.getPrequentialAccuracy()).isEqualTo(1);
    assertThat(app.stored(FewShotProcessor.EXAMPLES)).isEqualTo(app.examples("mood").size());
  }

  @Test
  @DisplayName("tests many examples in portions, each once")
  void testsInPortions() {
    app.define(
        task("mood", "good", "bad")
            .setAdaptation(policy(10_000).setMaxExamplesPerLabel(1_000).build()));
    app.labels("mood", 0, 300);
    app.tick();
    trainer.tested(trainer.take(), true);
    app.tick();
    TrainingJob rest = trainer.take();
    assertThat(rest.untested()).hasSize(44);
    trainer.tested(rest, true);
    app.tick();
    assertThat(app.state("mood").getTested()).isEqualTo(300);
    assertThat(trainer.idle()).isTrue();
  }

  @Test
  @DisplayName("reports a failed attempt and pauses longer after each")
  void failures() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    app.tick();
    for (int seconds : new int[] {1, 2, 4}) {
      trainer.failed(trainer.take(), "the device is gone.");
      app.tick();
      assertThat(app.report(AdaptationOutcome.FAILED).getReason())
          .isEqualTo("the device is gone. The next attempt is in " + seconds + " s.");
      app.wait(Duration.ofMillis(1_000L * seconds - 100));
      assertThat(trainer.idle()).isTrue();
      app.wait(Duration.ofMillis(100));
    }
    app.adapt("mood", 1);
    assertThat(app.state("mood").getFailures()).isZero();
    assertThat(app.report().getOutcome()).isEqualTo(AdaptationOutcome.PROMOTED);
  }

  @Test
  @DisplayName("pauses after a failed test too, without a report")
  void failedTest() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 1);
    app.tick();
    trainer.failed(trainer.take(), "the device is gone");
    app.tick();
    assertThat(trainer.idle()).isTrue();
    app.wait(Duration.ofSeconds(1));
    TrainingJob again = trainer.take();
    assertThat(again.untested()).hasSize(1);
    assertThat(app.reports()).isEmpty();
  }

  @Test
  @DisplayName("reports a version too large for a record as failed and writes none")
  void tooLarge() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    app.tick();
    AdapterVersion huge =
        FakeTrainer.candidate(1)
            .setWeights(ByteBuffer.allocate(app.topics.adapters().maxRecordBytes()))
            .build();
    trainer.finish(trainer.take(), List.of(), FakeTrainer.judgement(huge, 1, false));
    app.tick();
    assertThat(app.report(AdaptationOutcome.FAILED).getReason()).contains("too large");
    assertThat(app.served()).isEmpty();
    app.publish("mood", 1);
    assertThat(app.served().get(MODEL + "|mood").getVersion()).isEqualTo(1);
  }

  @Test
  @DisplayName("hands out a few jobs at a time and forgets no task")
  void manyTasks() {
    for (int i = 0; i < 10; i++) {
      app.define("task" + i, "good", "bad");
      app.labels("task" + i, 0, 4);
    }
    app.tick();
    int jobs = 0;
    while (!trainer.idle()) {
      TrainingJob first = trainer.take();
      int waiting = 1;
      trainer.judged(first, 1);
      while (!trainer.idle()) {
        trainer.judged(trainer.take(), 1);
        waiting++;
      }
      assertThat(waiting).isLessThanOrEqualTo(4);
      jobs += waiting;
      app.tick();
    }
    assertThat(jobs).isEqualTo(10);
    assertThat(app.served().values()).extracting(AdapterVersion::getVersion).containsOnly(1L);
  }

  @Test
  @DisplayName("never lets a stale outcome count")
  void staleOutcomes() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    app.tick();
    TrainingJob before = trainer.take();
    app.define(task("mood", "good", "bad").setDescription("another"));
    assertThat(trainer.cancelled).containsExactly(before.jobId());
    trainer.judged(before, 1); // too late: the trainer had not noticed
    app.tick();
    assertThat(app.reports()).isEmpty();
    TrainingJob after = trainer.take();
    assertThat(after.task().description()).isEqualTo("another");
    trainer.judged(before, 1);
    app.tick();
    assertThat(app.reports()).isEmpty();
    trainer.judged(after, 1);
    trainer.judged(after, 1); // and one twice
    app.tick();
    assertThat(app.served()).hasSize(1);
    assertThat(app.report().getPublishedVersion()).isEqualTo(1);
  }

  @Test
  @DisplayName("keeps a job while the same definition is written again")
  void sameDefinition() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    app.tick();
    TrainingJob job = trainer.take();
    app.define("mood", "good", "bad");
    assertThat(trainer.cancelled).isEmpty();
    trainer.judged(job, 1);
    app.tick();
    assertThat(app.report().getOutcome()).isEqualTo(AdaptationOutcome.PROMOTED);
  }

  @Test
  @DisplayName("uses examples whose labels a new definition has, and sets the others aside")
  void redefinition() {
    app.define("mood", "good", "bad", "odd");
    app.label("mood", "a", "good");
    app.label("mood", "b", "bad");
    app.label("mood", "c", "odd");
    app.define("mood", "bad", "good", "new");
    assertThat(app.examples("mood")).containsOnlyKeys("a", "b");
    assertThat(app.examples("mood", true)).containsOnlyKeys("c");
    app.define(task("mood").setKind(io.hyperstream.schemas.TaskKind.GENERATION));
    assertThat(app.examples("mood")).isEmpty();
    app.define("mood", "odd", "good", "bad");
    assertThat(app.examples("mood")).containsOnlyKeys("a", "b", "c");
  }

  @Test
  @DisplayName("retires a task: examples and versions go, numbers go on")
  void retires() {
    app.define("mood", "good", "bad");
    app.define("other", "good", "bad");
    app.labels("mood", 0, 4);
    app.labels("other", 0, 2);
    app.publish("mood", 2);
    app.served();
    app.kept();
    app.reports();
    app.command(command("mood", AdaptationAction.ADAPT));
    app.retire("mood");
    assertThat(app.report(AdaptationOutcome.CANCELLED).getCommandId()).isEqualTo("ADAPT-1");
    assertThat(app.served()).containsOnlyKeys(MODEL + "|mood").containsValue(null);
    assertThat(app.kept()).containsOnlyKeys(MODEL + "|mood|1", MODEL + "|mood|2");
    assertThat(app.examples("mood")).isEmpty();
    assertThat(app.examples("other")).hasSize(2);
    assertThat(app.stored(FewShotProcessor.VERSIONS)).isZero();
    assertThat(trainer.forgotten).containsExactly("mood");
    app.retire("mood"); // once is enough
    app.retire("nobody");
    assertThat(app.served()).isEmpty();

    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    TrainingJob job = app.next("mood");
    assertThat(job.champion()).isEmpty();
    assertThat(job.untested()).hasSize(4);
    trainer.judged(job, 1);
    app.tick();
    AdapterVersion served = app.served().get(MODEL + "|mood");
    assertThat(served.getVersion()).isEqualTo(3);
    assertThat(served.getParent()).isNull();
    assertThat(app.state("mood").getIncarnation()).isEqualTo(2);
  }

  @Test
  @DisplayName("does not let a job of a task's earlier life count")
  void earlierLife() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    app.tick();
    TrainingJob before = trainer.take();
    app.retire("mood");
    app.define("mood", "good", "bad");
    trainer.judged(before, 1);
    app.tick();
    assertThat(app.served()).isEmpty();
    assertThat(app.report(AdaptationOutcome.CANCELLED).getReason()).contains("retired");
  }

  @Test
  @DisplayName("numbers versions without a gap, whatever happens between them")
  void gapless() {
    app.define("mood", "good", "bad");
    app.labels("mood", 0, 4);
    for (int i = 0; i < 6; i++) {
      app.publish("mood", 1);
      app.command(command("mood", AdaptationAction.RESET));
      app.command(command("mood", AdaptationAction.ROLLBACK).setVersion(1L));
      app.retire("mood");
      app.define("mood", "good", "bad");
      app.labels("mood", 0, 4);
    }
    assertThat(
            app.kept().keySet().stream()
                .map(key -> Long.parseLong(key.substring(key.lastIndexOf('|') + 1)))
                .sorted())
        .containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L);
  }

  @Test
  @DisplayName("ignores definitions that cannot be served and keeps the one before")
  void invalidDefinition() {
    app.define("mood", "good", "bad");
    app.define(task("mood", "only one"));
    app.define(task("mood", "good\tone", "bad"));
    app.define(task("..", "good", "bad"));
    app.retire("..");
    app.label("mood", "a", "good");
    assertThat(app.examples("mood")).containsEntry("a", "good");
    assertThat(app.count("hyperstream.adaptation.definitions.invalid")).isEqualTo(3);
    assertThat(app.deadLetters()).isEmpty();
  }
}
