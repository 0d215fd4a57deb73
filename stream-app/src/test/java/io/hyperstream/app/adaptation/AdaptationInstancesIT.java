package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationTestApp.accuracy;
import static io.hyperstream.app.adaptation.AdaptationTestApp.half;
import static io.hyperstream.app.adaptation.AdaptationTestApp.libraryTask;
import static io.hyperstream.app.adaptation.AdaptationTestApp.onCommand;
import static io.hyperstream.app.adaptation.AdaptationTestApp.order;
import static io.hyperstream.app.adaptation.AdaptationTestApp.remarks;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.HyperstreamApplication;
import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.model.checkpoint.Checksums;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationMethod;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.TaskDefinition;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

@DisplayName("Several instances")
@ExtendWith(SharedCluster.class)
class AdaptationInstancesIT {
  private static final Logger LOG = LoggerFactory.getLogger(AdaptationInstancesIT.class);

  @TempDir Path folder;

  private Map<String, Object> elsewhere(String name, String roles) {
    return Map.of("roles", roles, "streams.state-dir", folder.resolve(name).toString());
  }

  @Test
  @DisplayName("a replica that starts later serves the same versions")
  void later() throws Exception {
    try (AdaptationTestApp fixture = new AdaptationTestApp("later", folder).start()) {
      fixture.app.define(libraryTask("late", onCommand().build()));
      fixture.teach("late", half(0));
      AdaptationReport report = fixture.execute("late", AdaptationAction.ADAPT);
      assertThat(report.getOutcome()).isEqualTo(AdaptationOutcome.PROMOTED);
      fixture.awaitServed("late", 1);
      List<Prediction> before = fixture.ask("late", half(1));
      fixture.app.stop();
      try (HyperstreamApplication replica =
          fixture.app.startAnother(elsewhere("replica", "inference"))) {
        assertThat(replica.context().containsBean(AdaptationRuntime.class)).isFalse();
        List<Prediction> now = fixture.ask("late", half(1));
        assertThat(now).allMatch(answer -> answer.getAdapterVersion() == 1);
        AdaptationTestApp.assertSame(before, now);
      }
    }
  }

  @Test
  @DisplayName(
      "tuned weights lie in the model store before their version is committed, serve in every"
          + " process, and go with their last version")
  void weights() throws Exception {
    Path models = folder.resolve("models");
    try (AdaptationTestApp fixture = new AdaptationTestApp("weights", folder)) {
      fixture
          .app
          .set("adaptation.max-inline-weights-bytes", 0)
          .set("adaptation.collect-weights-after", "100ms")
          .set("adaptation.collect-weights-every", "100ms");
      fixture.start();
      fixture.app.define(canteen(AdaptationMethod.WEIGHTS));
      List<Prediction> untaught = fixture.ask("tuned", remarks(1));
      fixture.teach("tuned", remarks(0));
      AdaptationReport report = fixture.execute("tuned", AdaptationAction.ADAPT);
      assertThat(report.getOutcome()).as(report.getReason()).isEqualTo(AdaptationOutcome.PROMOTED);
      fixture.awaitServed("tuned", 1);

      ConsumerRecord<byte[], byte[]> pointer =
          fixture.eventually(
              "the version's record",
              () -> fixture.app.records(fixture.app.topics.adapters()).stream().findFirst());
      AdapterVersion version = fixture.version(pointer);
      assertThat(version.getForm()).isEqualTo(AdapterForm.WEIGHTS);
      assertThat(version.getWeights()).isNull();
      Path file = models.resolve(version.getWeightsUri());
      assertThat(Checksums.sha256(file)).isEqualTo(version.getWeightsSha256());
      assertThat(Files.getLastModifiedTime(file).toMillis())
          .isLessThanOrEqualTo(pointer.timestamp());

      List<Prediction> taught = fixture.ask("tuned", remarks(1));
      assertThat(taught).allMatch(answer -> answer.getAdapterVersion() == 1);
      LOG.info(
          "Accuracy with tuned weights: {}, before {}",
          accuracy(remarks(1), taught),
          accuracy(remarks(1), untaught));
      fixture.execute("tuned", AdaptationAction.RESET);
      fixture.awaitServed("tuned", 0);
      AdaptationTestApp.assertSame(untaught, fixture.ask("tuned", remarks(1)));
      rollBack(fixture, 1);
      fixture.awaitServed("tuned", 2);
      AdaptationTestApp.assertSame(taught, fixture.ask("tuned", remarks(1)));

      fixture.app.stop();
      try (HyperstreamApplication later =
          fixture.app.startAnother(elsewhere("later", "inference,adaptation"))) {
        assertThat(later.context().containsBean(AdaptationRuntime.class)).isTrue();
        List<Prediction> now = fixture.ask("tuned", remarks(1));
        assertThat(now).allMatch(answer -> answer.getAdapterVersion() == 2);
        AdaptationTestApp.assertSame(taught, now);

        age(file);
        fixture.app.define(canteen(AdaptationMethod.PROTOTYPES));
        fixture.execute("tuned", AdaptationAction.RESET);
        AdaptationReport other = fixture.execute("tuned", AdaptationAction.ADAPT);
        assertThat(other.getPublishedVersion()).as(other.getReason()).isEqualTo(3);
        for (long last = 3; last < 2 + VersionLog.KEPT - 1; last++) {
          fixture.execute("tuned", AdaptationAction.RESET);
          rollBack(fixture, last);
        }
        String owner = file.getParent().getFileName().toString();
        awaitCollection(models, owner); // version 2 is the last that needs the file
        assertThat(file).exists();
        fixture.execute("tuned", AdaptationAction.RESET);
        rollBack(fixture, 2 + VersionLog.KEPT - 1);
        await("the file to go")
            .atMost(AdaptationTestApp.PATIENCE)
            .until(() -> Files.notExists(file));
        assertThat(tombstones(fixture)).contains(1L, 2L);
      }
    }
  }

  /** Judged leniently: what is tested is where versions lie, not how good they are. */
  private static TaskDefinition.Builder canteen(AdaptationMethod method) {
    return AppFixture.task("tuned", "pros", "cons")
        .setAdaptation(onCommand().setMethod(method).setPromotionProbability(0.5).build());
  }

  private static void rollBack(AdaptationTestApp fixture, long version) {
    AdaptationReport report =
        fixture.execute(order("tuned", AdaptationAction.ROLLBACK).setVersion(version));
    assertThat(report.getOutcome()).as(report.getReason()).isEqualTo(AdaptationOutcome.ROLLED_BACK);
  }

  /** Young files are not collected. */
  private static void age(Path file) throws Exception {
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
  }

  /** Returns when weights that nobody ever needed are gone: all others were looked at too. */
  private static void awaitCollection(Path models, String owner) throws Exception {
    for (byte round = 0; round < 2; round++) { // the first may have begun before
      String orphan = new FileModelStore(models).addWeights(owner, new byte[] {round});
      age(models.resolve(orphan));
      await("a collection")
          .atMost(AdaptationTestApp.PATIENCE)
          .until(() -> Files.notExists(models.resolve(orphan)));
    }
  }

  private static List<Long> tombstones(AdaptationTestApp fixture) {
    return fixture.app.records(fixture.app.topics.adapterVersions()).stream()
        .filter(record -> record.value() == null)
        .map(record -> new String(record.key(), StandardCharsets.UTF_8))
        .map(key -> Long.valueOf(key.substring(key.lastIndexOf('|') + 1)))
        .toList();
  }

  @Test
  @DisplayName("a job that a rebalance interrupts has one outcome, and versions have no gap")
  void rebalance() throws Exception {
    int tasks = 6;
    try (AdaptationTestApp fixture = new AdaptationTestApp("rebalance", folder)) {
      fixture.app.set("roles", "adaptation");
      fixture.start();
      Set<String> orders = new HashSet<>();
      for (int task = 0; task < tasks; task++) {
        fixture.app.define(libraryTask("task-" + task, onCommand().setTuneWeights(true).build()));
        fixture.teach("task-" + task, half(0));
      }
      for (int task = 0; task < tasks; task++) {
        AdaptationCommand order = order("task-" + task, AdaptationAction.ADAPT).build();
        String topic = fixture.app.topics.commands().name();
        fixture.app.send(topic, "any", fixture.app.codec.serialize(topic, order));
        orders.add(order.getCommandId());
      }
      fixture.app.flush();
      MeterRegistry meters = fixture.app.application().context().getBean(MeterRegistry.class);
      await("a job")
          .atMost(AdaptationTestApp.PATIENCE)
          .until(() -> meters.get("hyperstream.adaptation.jobs").gauge().value() > 0);
      try (HyperstreamApplication second =
          fixture.app.startAnother(elsewhere("second", "adaptation"))) {
        assertThat(second.context().containsBean(AdaptationRuntime.class)).isTrue();
        fixture.eventually("a first report", () -> reported(fixture, orders).stream().findFirst());
        fixture.app.stop(); // in the middle of what is left
        fixture.eventually(
            "a report on each order",
            () -> reported(fixture, orders).size() < tasks ? Optional.empty() : Optional.of(true));
        for (int task = 0; task < tasks; task++) { // nothing comes after the last word
          fixture.execute("task-" + task, AdaptationAction.EVALUATE);
        }
        for (int task = 0; task < tasks; task++) {
          String taskId = "task-" + task;
          List<AdaptationReport> ofTask =
              fixture.reports(taskId).stream()
                  .filter(report -> orders.contains(report.getCommandId()))
                  .toList();
          assertThat(ofTask).hasSize(1);
          assertThat(ofTask.get(0).getExamples() + ofTask.get(0).getHeldOut())
              .isEqualTo(half(0).size());
          boolean promoted = ofTask.get(0).getOutcome() == AdaptationOutcome.PROMOTED;
          assertThat(fixture.versions(taskId))
              .extracting(version -> version.getVersion())
              .isEqualTo(promoted ? List.of(1L) : List.of());
        }
      }
    }
  }

  private static Set<String> reported(AdaptationTestApp fixture, Set<String> orders) {
    Set<String> reported = new HashSet<>();
    for (int task = 0; task < orders.size(); task++) {
      fixture.reports("task-" + task).stream()
          .map(AdaptationReport::getCommandId)
          .filter(orders::contains)
          .forEach(reported::add);
    }
    return reported;
  }
}
