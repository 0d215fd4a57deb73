package io.hyperstream.app.adaptation;

import static org.assertj.core.api.Assertions.assertThat;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.adaptation.state.StoredExample;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.streams.OutputRecords;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationPolicy;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import io.hyperstream.schemas.Topics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.test.TestRecord;

/** The adaptation topology in a test driver, with a trainer that does what the test says. */
final class AdaptationFixture implements AutoCloseable {
  static final String MODEL = "model-1";
  static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

  final FakeTrainer trainer = new FakeTrainer();
  final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  final Topics topics =
      new Topics(Topics.Settings.defaults().withPrefix("t." + UUID.randomUUID() + "."));
  final RecordCodec codec;
  final AdaptationTopology.Parts parts;

  /** What the topic of definitions is said to hold. */
  final AtomicReference<DefinitionCheck.Answer> definitions =
      new AtomicReference<>(DefinitionCheck.Answer.NONE);

  final Topology topology;
  final TopologyTestDriver driver;
  private final TestOutputTopic<byte[], byte[]> adapters;
  private final TestOutputTopic<byte[], byte[]> versions;
  private final TestOutputTopic<byte[], byte[]> reports;
  private final TestOutputTopic<byte[], byte[]> deadLetters;

  AdaptationFixture(Path folder) throws Exception {
    this(folder, options(false));
  }

  AdaptationFixture(Path folder, AdaptationOptions options) throws Exception {
    this(folder, options, Tracing.off());
  }

  AdaptationFixture(Path folder, AdaptationOptions options, Tracing tracing) throws Exception {
    SchemaRegistryClient registry =
        SchemaRegistries.connect("mock://" + UUID.randomUUID(), Map.of());
    new SchemaRegistrar(registry, topics).register(Duration.ofSeconds(5));
    codec = new RecordCodec(registry);
    HeaderPolicy headers = new HeaderPolicy(400);
    parts =
        new AdaptationTopology.Parts(
            topics,
            MODEL,
            new RetryingDecoder(codec, stalled -> {}, () -> {}),
            new OutputRecords(codec, topics, headers, Duration.ofSeconds(5), () -> {}),
            headers,
            trainer,
            (taskId, label) -> definitions.get(),
            options,
            new AdaptationMetrics(meters),
            tracing);
    topology = AdaptationTopology.build(parts);
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "test");
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "unused:9092");
    properties.put(StreamsConfig.STATE_DIR_CONFIG, folder.toString());
    driver = new TopologyTestDriver(topology, properties, START);
    adapters = output(topics.adapters().name());
    versions = output(topics.adapterVersions().name());
    reports = output(topics.reports().name());
    deadLetters = output(topics.deadLetters().name());
  }

  /** Small limits, so that tests reach them. */
  static AdaptationOptions options(boolean labelsByRequest) {
    return new AdaptationOptions(
        4,
        labelsByRequest,
        Duration.ofSeconds(2),
        Duration.ofSeconds(30),
        5,
        4,
        20_000,
        100_000,
        20_000,
        5_000,
        AdaptationPolicy.newBuilder().build());
  }

  private TestOutputTopic<byte[], byte[]> output(String topic) {
    return driver.createOutputTopic(
        topic, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Any record, as an application would send it. */
  void send(String topic, String key, SpecificRecord record) {
    pipe(
        topic, new TestRecord<>(utf8(key), record == null ? null : codec.serialize(topic, record)));
  }

  void pipe(String topic, TestRecord<byte[], byte[]> record) {
    TestInputTopic<byte[], byte[]> input =
        driver.createInputTopic(
            topic, new ByteArraySerializer(), new ByteArraySerializer(), START, Duration.ZERO);
    input.pipeInput(record);
  }

  static AdaptationPolicy.Builder policy(int triggerExamples) {
    return AdaptationPolicy.newBuilder()
        .setTriggerExamples(triggerExamples)
        .setHeldOutFraction(0)
        .setMaxExamplesPerLabel(100);
  }

  static TaskDefinition.Builder task(String taskId, String... labels) {
    return TaskDefinition.newBuilder()
        .setTaskId(taskId)
        .setKind(TaskKind.CLASSIFICATION)
        .setAdaptation(policy(4).build())
        .setLabels(
            List.of(labels).stream().map(label -> new TaskLabel(label, null, null)).toList());
  }

  void define(TaskDefinition.Builder task) {
    send(topics.definitions().name(), task.getTaskId(), task.build());
  }

  void define(String taskId, String... labels) {
    define(task(taskId, labels));
  }

  void retire(String taskId) {
    send(topics.definitions().name(), taskId, null);
  }

  static LabelEvent.Builder event(String taskId, String text, String label) {
    return LabelEvent.newBuilder()
        .setTaskId(taskId)
        .setText(text)
        .setLabel(label)
        .setCreatedAt(START);
  }

  void label(LabelEvent.Builder label) {
    send(topics.labels().name(), "any", label.build());
  }

  void label(String taskId, String text, String label) {
    label(event(taskId, text, label));
  }

  /** Labels of "good" and "bad" in turn. */
  void labels(String taskId, int from, int to) {
    for (int i = from; i < to; i++) {
      label(taskId, "text " + i, i % 2 == 0 ? "good" : "bad");
    }
  }

  void request(String requestId, String taskId, String text) {
    send(
        topics.requests().name(),
        "key",
        InferenceRequest.newBuilder()
            .setRequestId(requestId)
            .setTaskId(taskId)
            .setText(text)
            .setCreatedAt(START)
            .build());
  }

  static AdaptationCommand.Builder command(String taskId, AdaptationAction action) {
    return AdaptationCommand.newBuilder()
        .setCommandId(action + "-1")
        .setTaskId(taskId)
        .setAction(action)
        .setCreatedAt(START);
  }

  void command(AdaptationCommand.Builder command) {
    send(topics.commands().name(), "any", command.build());
  }

  /** Sends a command and returns the one report there is. */
  AdaptationReport report(String taskId, AdaptationAction action) {
    command(command(taskId, action));
    return report();
  }

  void wait(Duration time) {
    driver.advanceWallClockTime(time);
  }

  /** The owner looks after its tasks once. */
  void tick() {
    wait(FewShotProcessor.LOOK_EVERY);
  }

  /** The task's next job that trains; tests on the way are passed. */
  TrainingJob next(String taskId) {
    while (true) {
      tick();
      TrainingJob job = trainer.take();
      if (job.kind() == TrainingJob.Kind.TEST) {
        trainer.tested(job, true);
      } else {
        assertThat(job.taskId()).isEqualTo(taskId);
        return job;
      }
    }
  }

  /** Lets the task's next version be judged, and the outcome be applied. */
  TrainingJob adapt(String taskId, double probability) {
    TrainingJob job = next(taskId);
    assertThat(job.kind()).isEqualTo(TrainingJob.Kind.ADAPT);
    trainer.judged(job, probability);
    tick();
    return job;
  }

  /** Publishes this many versions by orders. */
  void publish(String taskId, int count) {
    for (int i = 0; i < count; i++) {
      command(command(taskId, AdaptationAction.ADAPT));
      TrainingJob job = next(taskId);
      trainer.finish(
          job,
          job.untested().stream().map(example -> true).toList(),
          FakeTrainer.judgement(FakeTrainer.candidate(i + 1).build(), 1, false));
      tick();
    }
  }

  /** As they are, with their headers. */
  List<TestRecord<byte[], byte[]>> reportRecords() {
    return reports.readRecordsToList();
  }

  List<AdaptationReport> reports() {
    return reports.readValuesToList().stream()
        .map(value -> codec.deserialize(topics.reports().name(), value, AdaptationReport.class))
        .toList();
  }

  AdaptationReport report() {
    List<AdaptationReport> all = reports();
    assertThat(all).hasSize(1);
    return all.get(0);
  }

  AdaptationReport report(AdaptationOutcome outcome) {
    AdaptationReport report = report();
    assertThat(report.getOutcome()).as(report.getReason()).isEqualTo(outcome);
    return report;
  }

  /** What was written since the last call, by key; null: a tombstone. */
  Map<String, AdapterVersion> served() {
    return read(adapters);
  }

  Map<String, AdapterVersion> kept() {
    return read(versions);
  }

  private Map<String, AdapterVersion> read(TestOutputTopic<byte[], byte[]> topic) {
    Map<String, AdapterVersion> read = new LinkedHashMap<>();
    for (TestRecord<byte[], byte[]> record : topic.readRecordsToList()) {
      read.put(
          new String(record.key(), StandardCharsets.UTF_8),
          record.value() == null
              ? null
              : codec.deserialize(topics.adapters().name(), record.value(), AdapterVersion.class));
    }
    return read;
  }

  List<TestRecord<byte[], byte[]>> deadLetters() {
    return deadLetters.readRecordsToList();
  }

  /** There is one dead letter, with this code and these words in its sentence. */
  TestRecord<byte[], byte[]> deadLetter(ErrorCode code, String... words) {
    List<TestRecord<byte[], byte[]>> all = deadLetters();
    assertThat(all).hasSize(1);
    TestRecord<byte[], byte[]> dead = all.get(0);
    assertThat(header(dead, DeadLetterHeaders.ERROR_CODE)).isEqualTo(code.name());
    for (String word : words) {
      assertThat(header(dead, DeadLetterHeaders.ERROR_MESSAGE)).contains(word);
    }
    return dead;
  }

  static String header(TestRecord<byte[], byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
  }

  /** What the buffer holds to learn from: label by text. */
  Map<String, String> examples(String taskId) {
    return examples(taskId, false);
  }

  /** Those in use, or those set aside: labels by text. */
  Map<String, String> examples(String taskId, boolean aside) {
    Map<String, String> held = new LinkedHashMap<>();
    KeyValueStore<String, StoredExample> store = driver.getKeyValueStore(FewShotProcessor.EXAMPLES);
    try (KeyValueIterator<String, StoredExample> all = store.all()) {
      all.forEachRemaining(
          entry -> {
            if (entry.key.startsWith(taskId + "/")
                && !entry.value.getLeaving()
                && entry.value.getAside() == aside) {
              held.put(entry.value.getText(), entry.value.getLabel());
            }
          });
    }
    return held;
  }

  TaskState state(String taskId) {
    return driver.<String, TaskState>getKeyValueStore(FewShotProcessor.TASKS).get(taskId);
  }

  int stored(String store) {
    try (KeyValueIterator<Object, Object> all = driver.getKeyValueStore(store).all()) {
      int count = 0;
      for (; all.hasNext(); all.next()) {
        count++;
      }
      return count;
    }
  }

  double count(String meter) {
    return meters.get(meter).counter().count();
  }

  @Override
  public void close() {
    driver.close();
  }
}
