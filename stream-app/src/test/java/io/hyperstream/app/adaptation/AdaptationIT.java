package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationTestApp.accuracy;
import static io.hyperstream.app.adaptation.AdaptationTestApp.event;
import static io.hyperstream.app.adaptation.AdaptationTestApp.every;
import static io.hyperstream.app.adaptation.AdaptationTestApp.half;
import static io.hyperstream.app.adaptation.AdaptationTestApp.libraryTask;
import static io.hyperstream.app.adaptation.AdaptationTestApp.onCommand;
import static io.hyperstream.app.adaptation.AdaptationTestApp.order;
import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.adaptation.AdaptationTestApp.Sentence;
import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.Prediction;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

@DisplayName("Adaptation on a broker, with the starter model")
@ExtendWith(SharedCluster.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AdaptationIT {
  private static final Logger LOG = LoggerFactory.getLogger(AdaptationIT.class);

  @TempDir static Path folder;
  private AdaptationTestApp fixture;
  private AppFixture app;

  @BeforeAll
  void start() throws Exception {
    fixture = new AdaptationTestApp("adaptation", folder);
    app = fixture.app;
    app.set("adaptation.labels-by-request", true).set("adaptation.request-patience", "3s");
    fixture.start();
  }

  @AfterAll
  void stop() throws Exception {
    fixture.close();
  }

  /** Defines, teaches half of the sentences and adapts once. */
  private AdaptationReport taught(String taskId) throws Exception {
    app.define(libraryTask(taskId, onCommand().build()));
    fixture.teach(taskId, half(0));
    AdaptationReport report = fixture.execute(taskId, AdaptationAction.ADAPT);
    assertThat(report.getOutcome()).as(report.getReason()).isEqualTo(AdaptationOutcome.PROMOTED);
    fixture.awaitServed(taskId, report.getPublishedVersion());
    return report;
  }

  private static List<Long> numbers(List<AdapterVersion> versions) {
    return versions.stream().map(AdapterVersion::getVersion).toList();
  }

  @Test
  @DisplayName("teaches a task nobody trained from its labels alone; predictions say the version")
  void learns() throws Exception {
    app.define(libraryTask("learns", every(24).build()));
    List<Prediction> before = fixture.ask("learns", half(1));
    assertThat(before).allMatch(answer -> answer.getAdapterVersion() == 0);
    fixture.teach("learns", half(0));
    AdaptationReport report = fixture.eventually("a promotion", () -> fixture.promotion("learns"));
    assertThat(report.getChampionVersion()).isZero();
    assertThat(report.getPublishedVersion()).isEqualTo(1);
    fixture.awaitServed("learns", 1);

    List<Prediction> after = fixture.ask("learns", half(1));
    assertThat(after).allMatch(answer -> answer.getAdapterVersion() == 1);
    double zeroShot = accuracy(half(1), before);
    double taught = accuracy(half(1), after);
    LOG.info("Accuracy on sentences never labelled: {} before, {} after", zeroShot, taught);
    assertThat(taught).isGreaterThan(zeroShot + 0.15);
    AdapterVersion version = fixture.served("learns").orElseThrow();
    assertThat(version.getVersion()).isEqualTo(1);
    assertThat(version.getParent()).isNull();
    assertThat(fixture.versions("learns")).containsExactly(version);
  }

  @Test
  @DisplayName("loses nothing of its internal topics to retention, whatever the broker's defaults")
  void internalTopics() throws Exception {
    try (Admin admin = app.admin()) {
      List<ConfigResource> internal =
          admin.listTopics().names().get().stream()
              .filter(name -> name.startsWith("adaptation.hyperstream-adaptation"))
              .map(name -> new ConfigResource(ConfigResource.Type.TOPIC, name))
              .toList();
      assertThat(internal).hasSizeGreaterThan(3);
      admin
          .describeConfigs(internal)
          .all()
          .get()
          .forEach(
              (topic, config) -> {
                if (!config.get("cleanup.policy").value().equals("compact")) {
                  assertThat(config.get("retention.ms").value()).as(topic.name()).isEqualTo("-1");
                  assertThat(config.get("retention.bytes").value())
                      .as(topic.name())
                      .isEqualTo("-1");
                }
              });
    }
  }

  @Test
  @DisplayName("obeys commands: adapt, evaluate, freeze, roll back, reset")
  void commands() throws Exception {
    assertThat(taught("commands").getPublishedVersion()).isEqualTo(1);
    List<Prediction> first = fixture.ask("commands", half(1));

    AdaptationReport evaluated = fixture.execute("commands", AdaptationAction.EVALUATE);
    assertThat(evaluated.getOutcome()).isEqualTo(AdaptationOutcome.EVALUATED);
    assertThat(evaluated.getPublishedVersion()).isNull();

    assertThat(fixture.execute("commands", AdaptationAction.FREEZE).getOutcome())
        .isEqualTo(AdaptationOutcome.FROZEN);
    assertThat(fixture.execute("commands", AdaptationAction.UNFREEZE).getOutcome())
        .isEqualTo(AdaptationOutcome.UNFROZEN);

    AdaptationReport reset = fixture.execute("commands", AdaptationAction.RESET);
    assertThat(reset.getOutcome()).isEqualTo(AdaptationOutcome.RESET);

    AdaptationReport back =
        fixture.execute(order("commands", AdaptationAction.ROLLBACK).setVersion(1L));
    assertThat(back.getOutcome()).isEqualTo(AdaptationOutcome.ROLLED_BACK);
    long version = back.getPublishedVersion();
    fixture.awaitServed("commands", version);
    List<Prediction> again = fixture.ask("commands", half(1));
    AdaptationTestApp.assertSame(first, again);
    List<Long> numbers = numbers(fixture.versions("commands"));
    assertThat(numbers).isEqualTo(LongStream.rangeClosed(1, version).boxed().toList());

    AdaptationReport unknown =
        fixture.execute(order("commands", AdaptationAction.ROLLBACK).setVersion(99L));
    assertThat(unknown.getOutcome()).isEqualTo(AdaptationOutcome.REFUSED);
    assertThat(unknown.getReason()).contains("99");
  }

  @Test
  @DisplayName(
      "takes labels that only name an earlier request; others of no request are dead letters")
  void byRequest() throws Exception {
    app.define(libraryTask("by-request", onCommand().build()));
    List<Sentence> sentences = half(0);
    for (int i = 0; i < sentences.size(); i++) {
      app.request("k", AppFixture.request("known-" + i, "by-request", sentences.get(i).text()));
    }
    app.flush();
    fixture.answersTo("known-", sentences.size());
    for (int i = 0; i < sentences.size(); i++) {
      fixture.label(named("known-" + i, sentences.get(i).label()));
    }
    fixture.label(named("nobody-asked-this", "rooms"));
    app.flush();
    ConsumerRecord<byte[], byte[]> dead = deadLetter("UNMATCHED_LABEL");
    LabelEvent unmatched =
        app.codec.deserialize(app.topics.labels().name(), dead.value(), LabelEvent.class);
    assertThat(unmatched.getRequestId()).isEqualTo("nobody-asked-this");

    AdaptationReport report = fixture.execute("by-request", AdaptationAction.ADAPT);
    assertThat(report.getExamples() + report.getHeldOut()).isEqualTo(sentences.size());
    assertThat(report.getOutcome()).isEqualTo(AdaptationOutcome.PROMOTED);
  }

  private static LabelEvent.Builder named(String requestId, String label) {
    return LabelEvent.newBuilder()
        .setTaskId("by-request")
        .setRequestId(requestId)
        .setLabel(label)
        .setCreatedAt(Instant.now());
  }

  private ConsumerRecord<byte[], byte[]> deadLetter(String code) {
    return fixture.eventually(
        "a dead letter " + code,
        () ->
            app.deadLetterRecords().stream()
                .filter(r -> code.equals(AppFixture.header(r, DeadLetterHeaders.ERROR_CODE)))
                .findFirst());
  }

  @Test
  @DisplayName("turns poisoned labels away, and none of them reaches the examples")
  void poison() throws Exception {
    app.define(libraryTask("poison", onCommand().build()));
    List<LabelEvent.Builder> poisoned = new ArrayList<>();
    poisoned.add(event("poison", new Sentence("gardening", "When are the roses cut?")));
    poisoned.add(event("poison", new Sentence("rooms", "   ")));
    poisoned.add(event("poison", new Sentence("rooms", "w".repeat(1_000_000))));
    poisoned.add(event("poison", new Sentence("rooms", "text")).setText(null));
    poisoned.add(event("nobody-defined-this", new Sentence("rooms", "Is a room free?")));
    int before = app.deadLetterRecords().size();
    poisoned.forEach(fixture::label);
    app.send(app.topics.labels().name(), "any", new byte[] {1, 2, 3});
    app.send(app.topics.labels().name(), "any", null);
    List<Sentence> sound = half(0).subList(6, 11); // of two labels
    fixture.teach("poison", sound);
    fixture.eventually(
        "a dead letter of each",
        () ->
            app.deadLetterRecords().size() < before + poisoned.size() + 2
                ? Optional.empty()
                : Optional.of(true));
    AdaptationReport report = fixture.execute("poison", AdaptationAction.EVALUATE);
    assertThat(report.getExamples() + report.getHeldOut()).isEqualTo(sound.size());
  }

  @Test
  @DisplayName(
      "forgets a retired task's examples and versions, and goes on counting when it is back")
  void recreated() throws Exception {
    taught("recreated");
    app.send(app.topics.definitions().name(), "recreated", null);
    app.flush();
    fixture.eventually(
        "nothing served",
        () -> fixture.served("recreated").isEmpty() ? Optional.of(true) : Optional.empty());
    app.define(libraryTask("recreated", onCommand().build()));
    List<Prediction> answers = fixture.ask("recreated", half(1));
    assertThat(answers).allMatch(answer -> answer.getAdapterVersion() == 0);
    List<Sentence> others = AdaptationTestApp.sentences().stream().skip(1).toList();
    fixture.teach("recreated", others);
    AdaptationReport again = fixture.execute("recreated", AdaptationAction.ADAPT);
    assertThat(again.getExamples() + again.getHeldOut()).isEqualTo(others.size());
    assertThat(again.getOutcome()).as(again.getReason()).isEqualTo(AdaptationOutcome.PROMOTED);
    assertThat(again.getPublishedVersion()).isEqualTo(2);
    fixture.awaitServed("recreated", 2);
  }

  @Test
  @DisplayName("leaves another task's answers bit for bit the same, however often one is adapted")
  void isolation() throws Exception {
    taught("adapted");
    taught("untouched");
    AdapterVersion served = fixture.served("untouched").orElseThrow();
    List<Sentence> alone = half(1).subList(0, 6);
    List<List<Prediction>> rounds = new ArrayList<>();
    for (int round = 0; round < 4; round++) {
      app.send(
          app.topics.commands().name(),
          "any",
          app.codec.serialize(
              app.topics.commands().name(), order("adapted", AdaptationAction.ADAPT).build()));
      fixture.teach("adapted", half(1).subList(3 * round, 3 * round + 3));
      List<Prediction> answers = new ArrayList<>();
      for (Sentence sentence : alone) {
        answers.addAll(fixture.ask("untouched", List.of(sentence))); // a batch of its own
      }
      rounds.add(answers);
    }
    fixture.execute("adapted", AdaptationAction.ADAPT);
    for (List<Prediction> answers : rounds) {
      for (int i = 0; i < answers.size(); i++) {
        assertThat(answers.get(i).getDistribution())
            .isEqualTo(rounds.get(0).get(i).getDistribution());
        assertThat(answers.get(i).getAdapterVersion()).isEqualTo(served.getVersion());
      }
    }
    assertThat(fixture.served("untouched")).contains(served);
  }
}
