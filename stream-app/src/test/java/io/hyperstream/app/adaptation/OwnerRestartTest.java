package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationFixture.MODEL;
import static io.hyperstream.app.adaptation.AdaptationFixture.START;
import static io.hyperstream.app.adaptation.AdaptationFixture.command;
import static io.hyperstream.app.adaptation.AdaptationFixture.event;
import static io.hyperstream.app.adaptation.AdaptationFixture.task;
import static io.hyperstream.app.adaptation.AdaptationFixture.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.adaptation.state.SourceKind;
import io.hyperstream.app.adaptation.state.SourcedRecord;
import io.hyperstream.app.adaptation.state.StoredExample;
import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.app.adaptation.state.StoredVersion;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.adaptation.state.WaitingRecord;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.ServedState;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("An owner that takes tasks over with their stores")
class OwnerRestartTest {
  private static final String DEAD_LETTERS =
      AdaptationTopology.deadLettersOf(AdaptationTopology.ADAPT);

  @TempDir private Path folder;
  private AdaptationFixture app;
  private FakeTrainer trainer;
  private SourcedRecords records;
  private final List<KeyValueStore<?, ?>> stores = new ArrayList<>();
  private MockProcessorContext<byte[], byte[]> context;
  private FewShotProcessor owner;
  private SimpleMeterRegistry meters;
  private long now = START.toEpochMilli();

  @BeforeEach
  void start() throws Exception {
    app = new AdaptationFixture(folder);
    trainer = app.trainer;
    records =
        new SourcedRecords(
            app.parts.output(), app.parts.headerPolicy(), app.parts.metrics(), DEAD_LETTERS);
    open(FewShotProcessor.TASKS, TaskState.class);
    open(FewShotProcessor.EXAMPLES, StoredExample.class);
    open(FewShotProcessor.VECTORS, StoredVector.class);
    open(FewShotProcessor.VERSIONS, StoredVersion.class);
    open(FewShotProcessor.WAITING, WaitingRecord.class);
    takeOver(MODEL);
  }

  @AfterEach
  void stop() {
    stores.forEach(KeyValueStore::close);
    app.close();
  }

  private <T extends SpecificRecord> void open(String name, Class<T> type) {
    KeyValueStore<String, T> store =
        Stores.keyValueStoreBuilder(
                Stores.inMemoryKeyValueStore(name), Serdes.String(), StateCodec.serde(type))
            .withLoggingDisabled()
            .build();
    store.init(new MockProcessorContext<>(new Properties()).getStateStoreContext(), store);
    stores.add(store);
  }

  /** A new owner; nothing told the one before. */
  private void takeOver(String modelId) {
    AdaptationTopology.Parts p = app.parts;
    meters = new SimpleMeterRegistry();
    context = new MockProcessorContext<>(new Properties());
    stores.forEach(context::addStateStore);
    context.setCurrentSystemTimeMs(now);
    owner =
        new FewShotProcessor(
            new AdaptationTopology.Parts(
                p.topics(),
                modelId,
                p.reader(),
                p.output(),
                p.headerPolicy(),
                trainer,
                p.definitionCheck(),
                p.options(),
                new AdaptationMetrics(meters),
                p.tracing()),
            records);
    owner.init(context);
  }

  private void send(SourceKind kind, String taskId, String topic, SpecificRecord record) {
    SourcedRecord sourced =
        SourcedRecord.newBuilder()
            .setKind(kind)
            .setTopic(topic)
            .setPartition(0)
            .setOffset(now)
            .setTimestamp(now)
            .setValue(ByteBuffer.wrap(app.codec.serialize(topic, record)))
            .setTaskId(taskId)
            .setText(record instanceof LabelEvent label ? label.getText() : null)
            .build();
    owner.process(new Record<>(utf8(taskId), records.encode(sourced), now));
  }

  private void define() {
    send(
        SourceKind.DEFINITION,
        "mood",
        app.topics.definitions().name(),
        task("mood", "good", "bad").build());
  }

  private void label(String text, String label) {
    send(SourceKind.LABEL, "mood", app.topics.labels().name(), event("mood", text, label).build());
  }

  private void labels(int from, int to) {
    for (int i = from; i < to; i++) {
      label("text " + i, i % 2 == 0 ? "good" : "bad");
    }
  }

  private void tick() {
    now += 100;
    context.setCurrentSystemTimeMs(now);
    context.scheduledPunctuators().get(0).getPunctuator().punctuate(now);
  }

  private TrainingJob next() {
    tick();
    TrainingJob job = trainer.take();
    if (job.kind() == Kind.TEST) {
      trainer.tested(job, true);
      return next();
    }
    return job;
  }

  private List<AdapterVersion> served() {
    return context.forwarded(AdaptationTopology.ADAPTERS).stream()
        .map(
            sent ->
                app.codec.deserialize(
                    app.topics.adapters().name(), sent.record().value(), AdapterVersion.class))
        .toList();
  }

  private List<AdaptationReport> reports() {
    return context.forwarded(AdaptationTopology.REPORTS).stream()
        .map(
            sent ->
                app.codec.deserialize(
                    app.topics.reports().name(), sent.record().value(), AdaptationReport.class))
        .toList();
  }

  @Test
  @DisplayName("starts a lost job again; its outcome counts once, the lost one's never")
  void lostJob() {
    define();
    labels(0, 4);
    TrainingJob lost = next();
    MockProcessorContext<byte[], byte[]> before = context;
    takeOver(MODEL);
    trainer.judged(lost, 1);
    TrainingJob again = next();
    assertThat(again.train()).isEqualTo(lost.train());
    assertThat(again.seed()).isEqualTo(lost.seed());
    assertThat(served()).isEmpty();
    trainer.judged(again, 1);
    tick();
    tick();
    assertThat(served()).extracting(AdapterVersion::getVersion).containsExactly(1L);
    assertThat(reports()).hasSize(1);
    assertThat(before.forwarded()).isEmpty();
  }

  @Test
  @DisplayName("goes on with numbers, progress and what the champion has seen")
  void goesOn() {
    define();
    labels(0, 4);
    trainer.judged(next(), 1);
    tick();
    labels(4, 7);
    takeOver(MODEL);
    labels(7, 8);
    TrainingJob job = next();
    assertThat(job.championVersion()).isEqualTo(1);
    assertThat(job.seenByChampion())
        .containsExactly(true, true, true, true, false, false, false, false);
    assertThat(job.untested()).hasSize(4);
    trainer.judged(job, 1);
    tick();
    assertThat(served()).extracting(AdapterVersion::getVersion).containsExactly(2L);
    assertThat(reports().get(0).getPrequentialAccuracy()).isEqualTo(1);
  }

  @Test
  @DisplayName("knows what is pinned, by whom, and how often the champion was right, at once")
  void pinnedAndCounted() {
    define();
    labels(0, 4);
    trainer.judged(next(), 1);
    tick();
    labels(4, 6);
    tick();
    trainer.tested(trainer.take(), true);
    tick();
    send(
        SourceKind.COMMAND,
        "mood",
        app.topics.commands().name(),
        command("mood", AdaptationAction.PIN).setIssuedBy("ann").build());

    takeOver(MODEL);
    tick();
    assertThat(meters.get("hyperstream.prequential.accuracy").gauge().value()).isOne();
    assertThat(meters.get("hyperstream.prequential.labels").gauge().value()).isEqualTo(2);
    labels(6, 8);
    trainer.judged(next(), 1);
    tick();
    assertThat(served()).isEmpty();
    AdaptationReport kept = reports().get(0);
    assertThat(kept.getReason()).contains("it is pinned by ann");
    assertThat(kept.getServed()).isEqualTo(new ServedState(1L, 4L, 4L, "ann"));

    takeOver("model-2"); // pinned was a version of the other model
    trainer.judged(next(), 1);
    tick();
    assertThat(served()).hasSize(1);
    assertThat(reports().get(0).getServed().getPinnedBy()).isNull();
    takeOver(MODEL);
    trainer.judged(next(), 1);
    tick();
    assertThat(served()).isEmpty();
    assertThat(reports().get(0).getServed()).isEqualTo(new ServedState(1L, 0L, 0L, "ann"));
  }

  @Test
  @DisplayName("has the vectors of examples again, and under a new model none of the old one's")
  void vectors() {
    define();
    labels(0, 4);
    TrainingJob first = next();
    assertThat(first.vectors()).isEmpty();
    trainer.withVectors(first, MODEL);
    tick();
    takeOver(MODEL);
    labels(4, 8);
    TrainingJob second = next();
    assertThat(second.vectors()).hasSize(4).containsOnlyKeys(first.train());
    assertThat(second.vectors().values()).extracting(StoredVector::getModelId).containsOnly(MODEL);
    trainer.withVectors(second, MODEL);
    tick();

    takeOver("model-2");
    TrainingJob job = next();
    assertThat(job.train()).hasSize(8);
    assertThat(job.vectors()).isEmpty();
  }

  private void define(String... labels) {
    send(
        SourceKind.DEFINITION,
        "mood",
        app.topics.definitions().name(),
        task("mood", labels).build());
  }

  @Test
  @DisplayName("keeps what was taught of labels that are left out, until one has them again")
  void setAside() {
    define("good", "bad", "odd");
    labels(0, 6);
    label("strange", "odd");
    label("stranger", "odd");
    trainer.judged(next(), 1);
    tick();
    define("good", "bad");
    AdaptationReport report = reports().get(reports().size() - 1);
    assertThat(report.getOutcome()).isEqualTo(AdaptationOutcome.REDEFINED);
    assertThat(report.getReason()).contains("2 examples of 1 label are set aside").contains("odd");
    assertThat(report.getKeptExamples()).isEqualTo(Map.of("good", 3, "bad", 3, "odd", 2));

    takeOver(MODEL);
    labels(6, 10);
    TrainingJob without = next();
    assertThat(without.train()).hasSize(10).noneMatch(example -> example.label().equals("odd"));
    assertThat(without.untested()).noneMatch(example -> example.label().equals("odd"));
    trainer.judged(without, 0);
    tick();

    takeOver(MODEL);
    define("good", "odd", "bad");
    assertThat(reports().get(0).getReason()).contains("2 examples count again", "No examples are");
    labels(10, 12);
    assertThat(next().train()).hasSize(14).anyMatch(example -> example.text().equals("stranger"));
  }

  @Test
  @DisplayName("erases what is set aside with FORGET, and when its task is retired")
  void asideIsErased() {
    for (boolean retire : List.of(false, true)) {
      define("good", "bad", "odd");
      labels(0, 2);
      label("strange", "odd");
      define("good", "bad");
      if (retire) {
        SourcedRecord tombstone =
            SourcedRecord.newBuilder()
                .setKind(SourceKind.DEFINITION)
                .setTopic(app.topics.definitions().name())
                .setPartition(0)
                .setOffset(now)
                .setTimestamp(now)
                .setTaskId("mood")
                .build();
        owner.process(new Record<>(utf8("mood"), records.encode(tombstone), now));
      } else {
        send(
            SourceKind.COMMAND,
            "mood",
            app.topics.commands().name(),
            command("mood", AdaptationAction.FORGET).build());
        assertThat(reports().get(reports().size() - 1).getReason()).contains("3 examples erased");
      }
      context.resetForwards();
      define("good", "bad", "odd");
      send(
          SourceKind.COMMAND,
          "mood",
          app.topics.commands().name(),
          command("mood", AdaptationAction.EVALUATE).build());
      assertThat(reports()).hasSize(1);
      assertThat(reports().get(0).getKeptExamples()).isEmpty();
      context.resetForwards();
    }
  }

  @Test
  @DisplayName(
      "without the version that serves tries again ever more rarely, says so, and recovers")
  void championIsMissing() {
    define();
    labels(0, 4);
    trainer.judged(next(), 1);
    tick();
    KeyValueStore<String, StoredVersion> versions =
        context.getStateStore(FewShotProcessor.VERSIONS);
    List<String> keys = new ArrayList<>();
    try (var all = versions.all()) {
      all.forEachRemaining(entry -> keys.add(entry.key));
    }
    assertThat(keys).hasSize(1);
    StoredVersion champion = versions.delete(keys.get(0));
    context.resetForwards();
    labels(4, 8);
    for (int i = 0; i < 3_000; i++) { // five minutes
      tick();
    }
    assertThat(trainer.idle()).isTrue();
    List<AdaptationReport> said = reports();
    assertThat(said).hasSizeBetween(5, 10);
    assertThat(said)
        .allMatch(report -> report.getOutcome() == AdaptationOutcome.FAILED)
        .allMatch(report -> report.getReason().contains("Version 1 serves"));
    assertThat(said.get(4).getReason()).contains("The next attempt is in 16 s.");
    assertThat(meters.get("hyperstream.retries").tag("of", "training").counter().count())
        .isEqualTo(said.size());

    versions.put(keys.get(0), champion);
    for (int i = 0; i < 3_000 && trainer.idle(); i++) {
      tick();
    }
    TrainingJob job = next();
    assertThat(job.championVersion()).isEqualTo(1);
    trainer.judged(job, 1);
    tick();
    assertThat(served()).extracting(AdapterVersion::getVersion).containsExactly(2L);
  }

  @Test
  @DisplayName("reports once that the model cannot serve a task, and once that it can again")
  void problem() {
    trainer.problem = Optional.of("this model only answers with labels");
    define();
    define("good", "bad");
    takeOver(MODEL);
    tick();
    assertThat(reports()).isEmpty();
    trainer.problem = Optional.empty(); // nobody can tell
    define("bad", "good");
    trainer.problem = Optional.of("it cannot say 'good'");
    define("good", "bad", "odd");
    trainer.problem = Optional.of("");
    takeOver("model-2");
    tick();
    tick();
    assertThat(reports()).hasSize(1);
    assertThat(reports().get(0).getReason()).contains("can be served again");
    assertThat(reports().get(0).getTrigger()).isEqualTo("model");
  }

  @Test
  @DisplayName("leaves a task alone whose definition an earlier release took, and this one refuses")
  void refusedSince() {
    define();
    labels(0, 4);
    @SuppressWarnings("unchecked")
    KeyValueStore<String, TaskState> tasks = (KeyValueStore<String, TaskState>) stores.get(0);
    TaskState state = tasks.get("mood");
    String topic = app.topics.definitions().name();
    state.setDefinition(
        ByteBuffer.wrap(app.codec.serialize(topic, task("mood", "good\tone", "bad").build())));
    tasks.put("mood", state);

    takeOver("model-2");
    tick();
    assertThat(trainer.idle()).isTrue();
    send(
        SourceKind.COMMAND,
        "mood",
        app.topics.commands().name(),
        command("mood", AdaptationAction.ADAPT).build());
    label("text 4", "good");
    define("good\ntwo", "bad"); // on its way from an intake of the earlier release
    assertThat(trainer.idle()).isTrue();

    define("good", "bad");
    assertThat(next().train()).hasSize(5);
  }

  @Test
  @DisplayName("does not start again what was finished")
  void finished() {
    define();
    labels(0, 4);
    trainer.judged(next(), 0);
    tick();
    takeOver(MODEL);
    tick();
    assertThat(trainer.idle()).isTrue();
  }

  @Test
  @DisplayName("carries out the orders that were waiting")
  void orders() {
    define();
    labels(0, 2);
    send(
        SourceKind.COMMAND,
        "mood",
        app.topics.commands().name(),
        command("mood", AdaptationAction.ADAPT).build());
    takeOver(MODEL);
    trainer.judged(next(), 1);
    tick();
    assertThat(reports()).extracting(AdaptationReport::getCommandId).containsExactly("ADAPT-1");
  }

  @Test
  @DisplayName("lets waiting labels wait on, and no longer than they would have")
  void waiting() {
    label("early", "good");
    define();
    label("never", "odd");
    takeOver(MODEL);
    now += 1_000;
    tick();
    assertThat(context.forwarded()).isEmpty();
    now += 1_000;
    tick();
    assertThat(context.forwarded(DEAD_LETTERS)).hasSize(1);
    assertThat(trainer.take().untested()).hasSize(1);
  }

  @Test
  @DisplayName("waits for no time that only its predecessor's wrong clock knew")
  void clockWasAhead() {
    now += Duration.ofDays(365).toMillis();
    takeOver(MODEL);
    define();
    labels(0, 4);
    trainer.judged(next(), 1);
    tick();
    label("never", "odd"); // waits for a definition with that label, a year ahead
    now = START.toEpochMilli();
    takeOver(MODEL);
    labels(4, 8);
    assertThat(next().kind()).isEqualTo(Kind.ADAPT);
    assertThat(context.forwarded(DEAD_LETTERS)).isEmpty();
    now += 2_000;
    tick();
    assertThat(context.forwarded(DEAD_LETTERS)).hasSize(1);
  }

  @Test
  @DisplayName("under a new model serves its initial adapter and adapts from the retained examples")
  void newModel() {
    define();
    labels(0, 4);
    trainer.judged(next(), 1);
    tick();
    takeOver("model-2");
    tick();
    TrainingJob job = trainer.take();
    assertThat(job.kind()).isEqualTo(Kind.ADAPT);
    assertThat(job.champion()).isEmpty();
    assertThat(job.train()).hasSize(4);
    assertThat(job.seenByChampion()).containsOnly(false);
    trainer.judged(job, 1);
    tick();
    assertThat(served()).extracting(AdapterVersion::getVersion).containsExactly(1L);
    assertThat(served()).extracting(AdapterVersion::getModelId).containsExactly("model-2");
    assertThat(reports().get(0).getTrigger()).isEqualTo("model");
    assertThat(reports().get(0).getPrequentialAccuracy()).isNull();
    assertThat(new String(context.forwarded().get(0).record().key(), StandardCharsets.UTF_8))
        .startsWith("model-2|mood");

    tick();
    assertThat(trainer.idle()).isTrue(); // once is enough

    takeOver(MODEL); // and back: its champion serves, as its topic says
    assertThat(next().championVersion()).isEqualTo(1);
  }

  @Test
  @DisplayName("gives its jobs up when it closes")
  void closes() {
    define();
    labels(0, 4);
    TrainingJob job = next();
    owner.close();
    assertThat(trainer.cancelled).containsExactly(job.jobId());
  }
}
