package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationFixture.MODEL;
import static io.hyperstream.app.adaptation.AdaptationFixture.command;
import static io.hyperstream.app.adaptation.AdaptationFixture.policy;
import static io.hyperstream.app.adaptation.AdaptationFixture.task;
import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.ServedState;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Commands")
class CommandTest {
  @TempDir private Path folder;
  private AdaptationFixture app;
  private FakeTrainer trainer;

  @BeforeEach
  void start() throws Exception {
    app = new AdaptationFixture(folder);
    trainer = app.trainer;
    app.define(task("mood", "good", "bad").setAdaptation(policy(8).build()));
  }

  @AfterEach
  void stop() {
    app.close();
  }

  private void refused(AdaptationAction action, String why) {
    AdaptationReport report = app.report("mood", action);
    assertThat(report.getOutcome()).isEqualTo(AdaptationOutcome.REFUSED);
    assertThat(report.getTrigger()).isEqualTo(action.name());
    assertThat(report.getCommandId()).isEqualTo(action + "-1");
    assertThat(report.getReason()).contains(why);
    assertThat(app.served()).isEmpty();
  }

  @Test
  @DisplayName("ADAPT adapts with what is there, whatever the count and the switch")
  void adapts() {
    app.define(task("mood", "good", "bad").setAdaptation(policy(8).setEnabled(false).build()));
    app.labels("mood", 0, 2);
    app.command(command("mood", AdaptationAction.ADAPT).setReason("before the fair"));
    app.adapt("mood", 1);
    AdaptationReport report = app.report(AdaptationOutcome.PROMOTED);
    assertThat(report.getReason()).startsWith("Version 1 serves now").contains("before the fair");
    assertThat(report.getTrigger()).isEqualTo("ADAPT");
    assertThat(report.getCommandId()).isEqualTo("ADAPT-1");
    app.tick();
    assertThat(trainer.idle()).isTrue();
  }

  @Test
  @DisplayName("ADAPT is answered even where the attempt fails, and not repeated")
  void adaptFails() {
    app.labels("mood", 0, 2);
    app.command(command("mood", AdaptationAction.ADAPT));
    trainer.failed(app.next("mood"), "out of memory");
    app.tick();
    AdaptationReport report = app.report(AdaptationOutcome.FAILED);
    assertThat(report.getCommandId()).isEqualTo("ADAPT-1");
    assertThat(report.getReason()).isEqualTo("out of memory");
    app.wait(Duration.ofMinutes(1));
    assertThat(app.reports()).isEmpty();
  }

  @Test
  @DisplayName("commands are executed one after the other, each with its report")
  void ordersWait() {
    app.labels("mood", 0, 4);
    for (int i = 0; i < 3; i++) {
      app.command(
          command("mood", i == 1 ? AdaptationAction.EVALUATE : AdaptationAction.ADAPT)
              .setCommandId("order " + i));
    }
    for (int i = 0; i < 3; i++) {
      TrainingJob job = app.next("mood");
      assertThat(job.kind()).isEqualTo(i == 1 ? Kind.EVALUATE : Kind.ADAPT);
      trainer.judged(job, 1);
      app.tick();
      assertThat(app.report().getCommandId()).isEqualTo("order " + i);
    }
    assertThat(app.served().get(MODEL + "|mood").getVersion()).isEqualTo(2);
  }

  @Test
  @DisplayName("only so many orders of a task wait")
  void tooManyOrders() {
    app.labels("mood", 0, 2);
    for (int i = 0; i < 16; i++) {
      app.command(command("mood", AdaptationAction.ADAPT));
    }
    refused(AdaptationAction.ADAPT, "16 commands of this task are waiting already");
  }

  @Test
  @DisplayName("EVALUATE reports what a new version would do, and publishes none")
  void evaluates() {
    app.labels("mood", 0, 4);
    app.command(command("mood", AdaptationAction.EVALUATE));
    trainer.judged(app.next("mood"), 0.99);
    app.tick();
    AdaptationReport report = app.report(AdaptationOutcome.EVALUATED);
    assertThat(report.getCommandId()).isEqualTo("EVALUATE-1");
    assertThat(report.getReason()).contains("would be published");
    assertThat(report.getBefore()).containsEntry("accuracy", 0.5);
    assertThat(app.served()).isEmpty();
    app.labels("mood", 4, 8); // the examples still count for an adaptation
    assertThat(app.next("mood").kind()).isEqualTo(Kind.ADAPT);
  }

  @Test
  @DisplayName("ADAPT and EVALUATE need examples of two labels, also when their turn comes")
  void tooFew() {
    app.label("mood", "a", "good");
    refused(AdaptationAction.ADAPT, "at least two labels");
    refused(AdaptationAction.EVALUATE, "at least two labels");
    app.label("mood", "b", "bad");
    app.command(command("mood", AdaptationAction.ADAPT).setCommandId("late"));
    app.label(AdaptationFixture.event("mood", "b", null));
    app.tick();
    AdaptationReport report = app.report(AdaptationOutcome.REFUSED);
    assertThat(report.getCommandId()).isEqualTo("late");
    assertThat(report.getReason()).contains("at least two labels");
  }

  @Test
  @DisplayName("FREEZE stops adaptation, what runs included, until UNFREEZE")
  void freezes() {
    app.labels("mood", 0, 8);
    TrainingJob job = app.next("mood");
    app.command(command("mood", AdaptationAction.FREEZE).setReason("holiday"));
    List<AdaptationReport> reports = app.reports();
    assertThat(reports)
        .extracting(AdaptationReport::getOutcome)
        .containsExactly(AdaptationOutcome.CANCELLED, AdaptationOutcome.FROZEN);
    assertThat(reports.get(1).getReason()).contains("holiday");
    assertThat(trainer.cancelled).containsExactly(job.jobId());
    trainer.judged(job, 1);
    app.tick();
    assertThat(app.served()).isEmpty();
    assertThat(trainer.take().kind()).isEqualTo(Kind.TEST);
    refused(AdaptationAction.ADAPT, "UNFREEZE");

    assertThat(app.report("mood", AdaptationAction.UNFREEZE).getOutcome())
        .isEqualTo(AdaptationOutcome.UNFROZEN);
    trainer.cancel("mood", "");
    app.define(task("mood", "good", "bad").setAdaptation(policy(7).build()));
    app.adapt("mood", 1);
    assertThat(app.served()).hasSize(1);
  }

  @Test
  @DisplayName("a frozen task is still evaluated, rolled back and reset")
  void frozenButServed() {
    app.labels("mood", 0, 4);
    app.publish("mood", 2);
    app.reports();
    app.served();
    app.report("mood", AdaptationAction.FREEZE);
    assertThat(app.report("mood", AdaptationAction.ROLLBACK).getOutcome())
        .isEqualTo(AdaptationOutcome.ROLLED_BACK);
    assertThat(app.report("mood", AdaptationAction.RESET).getOutcome())
        .isEqualTo(AdaptationOutcome.RESET);
    app.command(command("mood", AdaptationAction.EVALUATE));
    trainer.judged(app.next("mood"), 1);
    app.tick();
    assertThat(app.report().getOutcome()).isEqualTo(AdaptationOutcome.EVALUATED);
  }

  @Test
  @DisplayName("a freeze reports every order it ends")
  void freezeEndsOrders() {
    app.labels("mood", 0, 4);
    app.command(command("mood", AdaptationAction.ADAPT).setCommandId("a"));
    app.command(command("mood", AdaptationAction.EVALUATE).setCommandId("b"));
    app.next("mood");
    app.command(command("mood", AdaptationAction.FREEZE));
    assertThat(app.reports())
        .extracting(r -> r.getCommandId() + " " + r.getOutcome())
        .containsExactly("a CANCELLED", "b CANCELLED", "FREEZE-1 FROZEN");
  }

  @Test
  @DisplayName("RESET returns to the initial adapter and keeps examples and numbers")
  void resets() {
    app.labels("mood", 0, 4);
    app.publish("mood", 1);
    app.reports();
    app.served();
    AdaptationReport report = app.report("mood", AdaptationAction.RESET);
    assertThat(report.getOutcome()).isEqualTo(AdaptationOutcome.RESET);
    assertThat(report.getChampionVersion()).isEqualTo(1);
    assertThat(app.served()).containsOnlyKeys(MODEL + "|mood").containsValue(null);
    assertThat(app.examples("mood")).hasSize(4);
    app.tick();
    assertThat(trainer.idle()).isTrue(); // not at once again from the same examples

    app.report("mood", AdaptationAction.RESET);
    assertThat(app.served()).isEmpty();
    app.command(command("mood", AdaptationAction.ROLLBACK).setVersion(1L));
    assertThat(app.served().get(MODEL + "|mood").getVersion()).isEqualTo(2);
  }

  @Test
  @DisplayName("ROLLBACK serves the parent again, under a new number, and walks back further")
  void rollsBack() {
    app.labels("mood", 0, 4);
    app.publish("mood", 3);
    app.reports();
    app.served();
    app.kept();
    app.command(command("mood", AdaptationAction.ROLLBACK).setReason("worse at night"));
    AdaptationReport report = app.report(AdaptationOutcome.ROLLED_BACK);
    assertThat(report.getChampionVersion()).isEqualTo(3);
    assertThat(report.getPublishedVersion()).isEqualTo(4);
    assertThat(report.getReason())
        .isEqualTo("Version 2 again; pinned by a command until UNPIN: worse at night");
    assertThat(report.getServed()).isEqualTo(new ServedState(4L, 0L, 0L, "a command"));
    AdapterVersion fourth = app.served().get(MODEL + "|mood");
    assertThat(fourth.getVersion()).isEqualTo(4);
    assertThat(fourth.getEmbedding()).containsExactly(2f, 2f);
    assertThat(app.kept()).containsExactly(Map.entry(MODEL + "|mood|4", fourth));

    app.command(command("mood", AdaptationAction.ROLLBACK));
    assertThat(app.served().get(MODEL + "|mood").getEmbedding()).containsExactly(1f, 2f);
    app.reports();
    refused(AdaptationAction.ROLLBACK, "was made from the initial adapter");
  }

  @Test
  @DisplayName("ROLLBACK cancels a running job and is not undone by the same examples")
  void rollbackCancels() {
    app.labels("mood", 0, 4);
    app.publish("mood", 2);
    app.reports();
    app.labels("mood", 4, 12);
    TrainingJob job = app.next("mood");
    app.command(command("mood", AdaptationAction.ROLLBACK));
    assertThat(app.reports())
        .extracting(AdaptationReport::getOutcome)
        .containsExactly(AdaptationOutcome.CANCELLED, AdaptationOutcome.ROLLED_BACK);
    app.served();
    trainer.judged(job, 1);
    app.tick();
    trainer.tested(trainer.take(), true);
    app.tick();
    assertThat(app.served()).isEmpty();
    assertThat(trainer.idle()).isTrue();
    app.labels("mood", 12, 20);
    TrainingJob next = app.next("mood");
    assertThat(next.championVersion()).isEqualTo(3);
    assertThat(next.seenByChampion().subList(0, 4)).containsOnly(true);
    assertThat(next.seenByChampion().subList(4, 20)).containsOnly(false);
  }

  @Test
  @DisplayName("a rollback pins: adaptations report and replace nothing until UNPIN")
  void rollbackPins() {
    app.labels("mood", 0, 4);
    app.publish("mood", 2);
    app.command(command("mood", AdaptationAction.ROLLBACK).setIssuedBy("ann"));
    app.served();
    app.reports();
    app.labels("mood", 4, 12);
    app.adapt("mood", 1);
    AdaptationReport kept = app.report(AdaptationOutcome.NOT_PROMOTED);
    assertThat(kept.getTrigger()).isEqualTo("examples");
    assertThat(kept.getProbabilityBetter()).isEqualTo(1);
    assertThat(kept.getReason()).startsWith("Version 3 still serves: it is pinned by ann until");
    assertThat(kept.getServed()).isEqualTo(new ServedState(3L, 8L, 8L, "ann"));
    assertThat(app.served()).isEmpty();

    app.command(command("mood", AdaptationAction.ADAPT)); // by a person: no exception
    app.adapt("mood", 1);
    assertThat(app.report().getOutcome()).isEqualTo(AdaptationOutcome.NOT_PROMOTED);

    app.command(command("mood", AdaptationAction.UNPIN).setIssuedBy("bob").setReason("mended"));
    AdaptationReport unpinned = app.report(AdaptationOutcome.UNPINNED);
    assertThat(unpinned.getCommandId()).isEqualTo("UNPIN-1");
    assertThat(unpinned.getReason()).contains("No longer pinned by ann; by bob", ": mended");
    assertThat(unpinned.getServed().getPinnedBy()).isNull();
    app.labels("mood", 12, 20);
    app.adapt("mood", 1);
    assertThat(app.served().get(MODEL + "|mood").getVersion()).isEqualTo(4);
    app.reports();
    assertThat(app.report("mood", AdaptationAction.UNPIN).getReason())
        .startsWith("Nothing was pinned");
  }

  @Test
  @DisplayName("PIN keeps what serves, be it no version; RESET and the end of a task unpin")
  void pins() {
    app.command(command("mood", AdaptationAction.PIN).setIssuedBy("ann").setReason("audit"));
    AdaptationReport pinned = app.report(AdaptationOutcome.PINNED);
    assertThat(pinned.getReason())
        .startsWith("The model without examples is pinned by ann")
        .endsWith(": audit");
    assertThat(pinned.getServed().getPinnedBy()).isEqualTo("ann");
    app.labels("mood", 0, 8);
    app.adapt("mood", 1);
    assertThat(app.report().getOutcome()).isEqualTo(AdaptationOutcome.NOT_PROMOTED);
    app.command(command("mood", AdaptationAction.EVALUATE));
    trainer.judged(app.next("mood"), 1);
    app.tick();
    assertThat(app.report().getReason())
        .startsWith("The model without examples would still serve: it is pinned by ann");

    assertThat(app.report("mood", AdaptationAction.RESET).getServed().getPinnedBy()).isNull();
    app.report("mood", AdaptationAction.PIN);
    app.retire("mood");
    app.define(task("mood", "good", "bad").setAdaptation(policy(8).build()));
    app.labels("mood", 0, 8);
    app.adapt("mood", 1);
    assertThat(app.served().get(MODEL + "|mood").getVersion()).isEqualTo(1);
  }

  @Test
  @DisplayName(
      "PROMOTE serves a new version whatever the comparison says, also where one is pinned")
  void promotesAnyway() {
    app.labels("mood", 0, 4);
    app.command(command("mood", AdaptationAction.PIN).setIssuedBy("ann"));
    app.reports();
    app.command(
        command("mood", AdaptationAction.PROMOTE).setIssuedBy("bob").setReason("I looked at it"));
    TrainingJob job = app.next("mood");
    assertThat(job.kind()).isEqualTo(Kind.ADAPT);
    trainer.judged(job, 0.3);
    app.tick();
    AdaptationReport report = app.report(AdaptationOutcome.PROMOTED);
    assertThat(report.getTrigger()).isEqualTo("PROMOTE");
    assertThat(report.getCommandId()).isEqualTo("PROMOTE-1");
    assertThat(report.getPublishedVersion()).isEqualTo(1);
    assertThat(report.getReason())
        .startsWith("Version 1 serves now: bob promoted it whatever the comparison says: the new")
        .contains("Better with probability 0.30", "I looked at it");
    assertThat(report.getServed()).isEqualTo(new ServedState(1L, 0L, 0L, "ann")); // this one now
    assertThat(app.served().get(MODEL + "|mood").getReason()).contains("bob promoted it");

    app.command(command("mood", AdaptationAction.PROMOTE));
    trainer.nothingUsable(app.next("mood"), "all texts contradict each other");
    app.tick();
    assertThat(app.report(AdaptationOutcome.NOT_PROMOTED).getReason())
        .contains("no new version could be made");
    app.report("mood", AdaptationAction.FREEZE);
    app.command(command("mood", AdaptationAction.PROMOTE));
    assertThat(app.report(AdaptationOutcome.REFUSED).getReason()).contains("UNFREEZE");
  }

  @Test
  @DisplayName("ROLLBACK says which versions there are when it cannot")
  void rollbackRefused() {
    refused(AdaptationAction.ROLLBACK, "initial adapter serves");
    app.command(command("mood", AdaptationAction.ROLLBACK).setVersion(7L));
    assertThat(app.report().getReason()).contains("no version 7", "none was published yet");
    app.labels("mood", 0, 4);
    app.publish("mood", 2);
    app.reports();
    app.command(command("mood", AdaptationAction.ROLLBACK).setVersion(0L));
    assertThat(app.report().getReason()).contains("no version 0", "kept are 1 to 2");
    app.command(command("mood", AdaptationAction.ROLLBACK).setVersion(2L));
    assertThat(app.report().getReason()).contains("Version 2 serves already");
  }

  @Test
  @DisplayName("the last twenty versions can be returned to, older ones are gone everywhere")
  void keepsTwenty() {
    app.labels("mood", 0, 4);
    app.publish("mood", 25);
    Map<String, AdapterVersion> kept = app.kept();
    for (int version = 1; version <= 25; version++) {
      assertThat(kept.get(MODEL + "|mood|" + version) == null).isEqualTo(version <= 5);
    }
    assertThat(app.stored(FewShotProcessor.VERSIONS)).isEqualTo(20);
    app.reports();
    app.served();
    app.command(command("mood", AdaptationAction.ROLLBACK).setVersion(5L));
    assertThat(app.report().getReason()).contains("kept are 6 to 25");
    app.command(command("mood", AdaptationAction.ROLLBACK).setVersion(6L));
    AdapterVersion again = app.served().get(MODEL + "|mood");
    assertThat(again.getVersion()).isEqualTo(26);
    assertThat(again.getEmbedding()).containsExactly(6f, 2f);
    assertThat(app.kept()).containsEntry(MODEL + "|mood|6", null).hasSize(2);
  }

  @Test
  @DisplayName("FORGET erases one text, or all, and restarts what may be learning from it")
  void forgets() {
    app.labels("mood", 0, 8);
    TrainingJob job = app.next("mood");
    app.command(command("mood", AdaptationAction.FORGET).setText(" TEXT  3 "));
    assertThat(app.report(AdaptationOutcome.FORGOTTEN).getReason()).contains("1 example erased");
    assertThat(app.examples("mood")).hasSize(7).doesNotContainKey("text 3");
    assertThat(trainer.cancelled).containsExactly(job.jobId());
    assertThat(trainer.forgotten).containsExactly("mood");
    assertThat(app.next("mood").train()).hasSize(7);

    app.command(command("mood", AdaptationAction.FORGET).setText("never seen"));
    assertThat(app.report(AdaptationOutcome.FORGOTTEN).getReason()).contains("0 examples erased");
    assertThat(trainer.cancelled).hasSize(1);
    assertThat(app.report("mood", AdaptationAction.FORGET).getReason())
        .contains("7 examples erased");
    assertThat(app.stored(FewShotProcessor.EXAMPLES)).isZero();
    app.tick();
    assertThat(trainer.idle()).isTrue();
  }

  @Test
  @DisplayName("FORGET finds a label that still waits for its definition")
  void forgetsWaiting() {
    app.label("mood", "a secret", "new label");
    assertThat(app.stored(FewShotProcessor.WAITING)).isEqualTo(1);
    app.command(command("mood", AdaptationAction.FORGET).setText("a secret"));
    assertThat(app.report().getReason()).contains("1 example erased");
    assertThat(app.stored(FewShotProcessor.WAITING)).isZero();
  }

  @Test
  @DisplayName("a command before its definition waits a little; for an unknown task it is refused")
  void unknownTask() {
    app.command(command("later", AdaptationAction.FREEZE));
    app.wait(Duration.ofSeconds(1));
    assertThat(app.reports()).isEmpty();
    app.define("later", "good", "bad");
    assertThat(app.report().getOutcome()).isEqualTo(AdaptationOutcome.FROZEN);

    app.command(command("nobody", AdaptationAction.RESET));
    app.wait(Duration.ofSeconds(2));
    AdaptationReport report = app.report(AdaptationOutcome.REFUSED);
    assertThat(report.getReason()).contains("No task 'nobody' is defined");
    assertThat(report.getCommandId()).isEqualTo("RESET-1");
    assertThat(app.deadLetters()).isEmpty();
  }

  @Test
  @DisplayName("an action of a later version is reported and otherwise ignored")
  void unknownAction() {
    refused(AdaptationAction.UNKNOWN, "does not know");
  }

  private Map<String, Integer> kept(AdaptationAction action) {
    return app.report("mood", action).getKeptExamples();
  }

  @Test
  @DisplayName("are reported with how many examples of each label the task keeps")
  void keptExamples() {
    assertThat(kept(AdaptationAction.FREEZE)).isEmpty();
    app.labels("mood", 0, 3);
    assertThat(kept(AdaptationAction.FREEZE)).isEqualTo(Map.of("good", 2, "bad", 1));
    app.label("mood", "text 0", "bad");
    app.label(AdaptationFixture.event("mood", "text 1", null));
    assertThat(kept(AdaptationAction.FREEZE)).isEqualTo(Map.of("good", 1, "bad", 1));
    app.define(task("mood", "good", "worse").setAdaptation(policy(8).build()));
    assertThat(app.report(AdaptationOutcome.REDEFINED).getReason())
        .contains("1 example of 1 label is set aside", "(bad)");
    assertThat(kept(AdaptationAction.FREEZE)).isEqualTo(Map.of("good", 1, "bad", 1));
    assertThat(kept(AdaptationAction.FORGET)).isEmpty();
  }

  @Test
  @DisplayName("are reported without those numbers if the labels' names would fill a record")
  void longNames(@TempDir Path another) throws Exception {
    String[] labels =
        IntStream.range(0, 350).mapToObj(i -> "\u5b57".repeat(1_020) + i).toArray(String[]::new);
    AdaptationOptions options = AdaptationFixture.options(false);
    try (AdaptationFixture roomy =
        new AdaptationFixture(
            another,
            new AdaptationOptions(
                options.partitions(),
                options.labelsByRequest(),
                options.labelGrace(),
                options.requestPatience(),
                options.maxWaiting(),
                options.maxRequests(),
                options.maxRequestBytes(),
                10_000_000,
                options.maxRecordBytes(),
                options.maxTextChars(),
                options.policy()))) {
      roomy.define(task("mood", labels).setAdaptation(policy(1_000).build()));
      roomy.label("mood", "text 0", labels[0]);
      assertThat(roomy.report("mood", AdaptationAction.FREEZE).getKeptExamples())
          .isEqualTo(Map.of(labels[0], 1));
      for (int i = 1; i < labels.length; i++) {
        roomy.label("mood", "text " + i, labels[i]);
      }
      assertThat(roomy.examples("mood")).hasSize(labels.length);
      AdaptationReport report = roomy.report("mood", AdaptationAction.FREEZE);
      assertThat(report.getOutcome()).isEqualTo(AdaptationOutcome.FROZEN);
      assertThat(report.getKeptExamples()).isNull();
    }
  }
}
