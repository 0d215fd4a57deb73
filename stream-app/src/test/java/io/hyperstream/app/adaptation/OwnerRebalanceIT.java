package io.hyperstream.app.adaptation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.config.KafkaSettings;
import io.hyperstream.app.config.StreamsSettings;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.streams.OutputRecords;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.app.tracing.Tracing;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.TopicProvisioner;
import io.hyperstream.schemas.Topics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micronaut.context.ApplicationContext;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(SharedCluster.class)
@DisplayName("Owners that come and go on a real cluster")
class OwnerRebalanceIT {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final int TASKS = 6;
  private static final int LABELS = 40;

  @TempDir private Path folder;
  private final String servers = SharedCluster.cluster().bootstrapServers();
  private final Topics topics =
      new Topics(Topics.Settings.defaults().withPrefix("rebalance-" + System.nanoTime() + "."));
  private final List<Instance> instances = new ArrayList<>();
  private final List<AdaptationReport> reports = new ArrayList<>();
  private ApplicationContext context; // of the settings that ship
  private SchemaRegistryClient registry;
  private RecordCodec codec;
  private KafkaProducer<byte[], byte[]> producer;
  private KafkaConsumer<byte[], byte[]> reportReader;

  @BeforeEach
  void start() throws Exception {
    context =
        ApplicationContext.run(
            Map.of(
                "hyperstream.kafka.bootstrap-servers",
                servers,
                "hyperstream.kafka.replication-factor",
                1,
                "hyperstream.streams.session-timeout",
                "6s"));
    registry = SchemaRegistries.connect(SharedCluster.cluster().schemaRegistryUrl(), Map.of());
    codec = new RecordCodec(registry);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
      new TopicProvisioner(admin, (short) 1).ensure(topics.all(), true, PATIENCE);
    }
    new SchemaRegistrar(registry, topics).register(PATIENCE);
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", servers),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    reportReader = SharedCluster.reader(List.of(topics.reports().name()));
  }

  @AfterEach
  void stop() throws Exception {
    instances.forEach(Instance::close);
    context.close();
    producer.close();
    reportReader.close();
    registry.close();
  }

  /** One process: its own streams, its own trainer, its own state. */
  private final class Instance implements AdaptationTrainer, AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private final KafkaStreams streams;

    Instance(String name) {
      HeaderPolicy headers = new HeaderPolicy(1_000);
      AdaptationTopology.Parts parts =
          new AdaptationTopology.Parts(
              topics,
              AdaptationFixture.MODEL,
              new RetryingDecoder(codec, stalled -> {}, () -> {}),
              new OutputRecords(codec, topics, headers, Duration.ofSeconds(10), () -> {}),
              headers,
              this,
              (taskId, label) -> DefinitionCheck.Answer.NOT_YET,
              options(),
              new AdaptationMetrics(new SimpleMeterRegistry()),
              Tracing.off());
      Properties properties =
          AdaptationService.streams(
                  topics.settings().prefix() + "app", 1, Duration.ofMillis(100), topics)
              .with(
                  context.getBean(KafkaSettings.class),
                  context.getBean(StreamsSettings.class),
                  folder.resolve(name));
      streams = new KafkaStreams(AdaptationTopology.build(parts), properties);
      streams.start();
      instances.add(this);
    }

    private static AdaptationOptions options() {
      AdaptationOptions small = AdaptationFixture.options(true);
      return new AdaptationOptions(
          4,
          true,
          small.labelGrace(),
          PATIENCE,
          1_000,
          1_000,
          1_000_000,
          1_000_000,
          small.maxRecordBytes(),
          small.maxTextChars(),
          small.policy());
    }

    @Override
    public void submit(TrainingJob job, Consumer<TrainingOutcome> done) {
      thread.execute(
          () ->
              done.accept(
                  new TrainingOutcome(
                      job.taskId(),
                      job.jobId(),
                      Collections.nCopies(job.untested().size(), true),
                      job.kind() == TrainingJob.Kind.TEST
                          ? new TrainingOutcome.Tested()
                          : FakeTrainer.judgement(
                              FakeTrainer.candidate(job.train().size()).build(), 1, false))));
    }

    @Override
    public void cancel(String taskId, String jobId) {}

    @Override
    public Optional<String> problem(TaskDefinition task) {
      return Optional.empty();
    }

    @Override
    public void forget(String taskId) {}

    @Override
    public void close() {
      streams.close(PATIENCE);
      thread.shutdownNow();
    }
  }

  private void send(String topic, String key, SpecificRecord record) {
    byte[] value = codec.serialize(topic, record);
    var unused =
        producer.send(new ProducerRecord<>(topic, key.getBytes(StandardCharsets.UTF_8), value));
  }

  /** Every second label names its request. */
  private void labels(int from, int to) {
    for (int i = from; i < to; i++) {
      for (int task = 0; task < TASKS; task++) {
        String taskId = "task" + task;
        String text = "text " + i;
        String label = i % 2 == 0 ? "good" : "bad";
        if (i % 3 == 0) {
          String requestId = taskId + "-" + i;
          send(
              topics.labels().name(),
              "k" + i,
              AdaptationFixture.event(taskId, null, label).setRequestId(requestId).build());
          send(
              topics.requests().name(),
              "k" + i,
              InferenceRequest.newBuilder()
                  .setRequestId(requestId)
                  .setTaskId(taskId)
                  .setText(text)
                  .setCreatedAt(Instant.now())
                  .build());
        } else {
          send(
              topics.labels().name(),
              "k" + i,
              AdaptationFixture.event(taskId, text, label).build());
        }
      }
    }
    producer.flush();
  }

  private void awaitPromotions(int count) {
    await("promotions")
        .atMost(PATIENCE)
        .pollDelay(Duration.ZERO)
        .until(
            () -> {
              readReports();
              return promoted().size() >= count;
            });
  }

  private void readReports() {
    for (ConsumerRecord<byte[], byte[]> record : reportReader.poll(Duration.ofMillis(100))) {
      reports.add(codec.deserialize(record.topic(), record.value(), AdaptationReport.class));
    }
  }

  private List<AdaptationReport> promoted() {
    return reports.stream().filter(r -> r.getOutcome() == AdaptationOutcome.PROMOTED).toList();
  }

  @Test
  @DisplayName("lose no label and count none twice; versions are gapless and reported once")
  void rebalances() {
    for (int task = 0; task < TASKS; task++) {
      String taskId = "task" + task;
      send(
          topics.definitions().name(),
          taskId,
          AdaptationFixture.task(taskId, "good", "bad").build());
    }
    Instance first = new Instance("first");
    labels(0, 10);
    awaitPromotions(TASKS);
    Instance second = new Instance("second");
    labels(10, 20);
    awaitPromotions(TASKS + 2);
    first.close();
    labels(20, 30);
    Instance third = new Instance("third");
    awaitPromotions(TASKS + 4);
    second.close();
    labels(30, LABELS);
    assertThat(third.streams.state()).isNotEqualTo(KafkaStreams.State.ERROR);

    for (int task = 0; task < TASKS; task++) {
      assertThat(examplesOf("task" + task)).isEqualTo(LABELS);
    }
    Map<String, List<Long>> versions = versions();
    assertThat(versions).hasSize(TASKS);
    readReports();
    versions.forEach(
        (taskId, numbers) -> {
          assertThat(numbers)
              .containsExactlyElementsOf(
                  LongStream.rangeClosed(1, numbers.size()).boxed().toList());
          assertThat(
                  promoted().stream()
                      .filter(report -> report.getTaskId().equals(taskId))
                      .map(AdaptationReport::getPublishedVersion))
              .containsExactlyElementsOf(numbers);
        });
    try (KafkaConsumer<byte[], byte[]> dead =
        SharedCluster.reader(List.of(topics.deadLetters().name()))) {
      assertThat(dead.endOffsets(dead.assignment()).values()).containsOnly(0L);
    }
  }

  /** Asks until everything that was sent has arrived, or patience ends. */
  private int examplesOf(String taskId) {
    int[] found = new int[1];
    await("all examples of " + taskId)
        .atMost(PATIENCE)
        .pollDelay(Duration.ZERO)
        .until(
            () -> {
              String commandId = taskId + "-" + System.nanoTime();
              send(
                  topics.commands().name(),
                  "any",
                  AdaptationFixture.command(taskId, AdaptationAction.EVALUATE)
                      .setCommandId(commandId)
                      .build());
              found[0] = evaluated(commandId);
              return found[0] >= LABELS;
            });
    return found[0];
  }

  private int evaluated(String commandId) {
    List<AdaptationReport> answer = new ArrayList<>();
    await("report of " + commandId)
        .atMost(PATIENCE)
        .pollDelay(Duration.ZERO)
        .until(
            () -> {
              readReports();
              reports.stream()
                  .filter(report -> commandId.equals(report.getCommandId()))
                  .forEach(answer::add);
              return !answer.isEmpty();
            });
    return answer.get(0).getExamples();
  }

  /** By task, in the order they were committed. */
  private Map<String, List<Long>> versions() {
    Map<String, List<Long>> versions = new TreeMap<>();
    try (KafkaConsumer<byte[], byte[]> reader =
        SharedCluster.reader(List.of(topics.adapterVersions().name()))) {
      TopicPartition only = reader.assignment().iterator().next();
      long end = reader.endOffsets(reader.assignment()).get(only);
      while (reader.position(only) < end) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
          if (record.value() != null) {
            AdapterVersion version =
                codec.deserialize(record.topic(), record.value(), AdapterVersion.class);
            versions
                .computeIfAbsent(version.getTaskId(), id -> new ArrayList<>())
                .add(version.getVersion());
          }
        }
      }
    }
    return versions;
  }
}
