package io.hyperstream.app.faults;

import static org.awaitility.Awaitility.await;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TopicProvisioner;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * One run: topics of its own, all tasks defined, sustained load, the books, and the application
 * started as often as wanted. Its processes' output is kept under {@code target/faults}.
 */
final class FaultRun implements AutoCloseable {
  /** For anything that should be a matter of seconds, on a machine that is busy. */
  static final Duration PATIENCE = Duration.ofMinutes(3);

  private static final Duration DRAIN_PATIENCE = Duration.ofMinutes(10);
  private static final Duration SHUTDOWN = Duration.ofSeconds(20);

  private final String name;
  private final EmbeddedCluster cluster = SharedCluster.cluster();
  private final Topics topics;
  private final SchemaRegistryClient registry;
  private final RecordCodec codec;
  private final Traffic traffic;
  private final Ledger ledger;
  private final Load load;
  private final Map<String, String> settings = new TreeMap<>();
  private final Path folder;
  private final List<ServeProcess> processes = new ArrayList<>();
  private Duration longestRestart = Duration.ZERO;

  /**
   * @param name prefix of its topics, group and folder
   * @param requests sent at least
   * @param overrides of the application's settings, without {@code hyperstream.}
   */
  FaultRun(String name, long seed, int requests, Map<String, String> overrides) throws Exception {
    this.name = name;
    topics = new Topics(Topics.Settings.defaults().withPrefix(name + "."));
    registry = SchemaRegistries.connect(cluster.schemaRegistryUrl(), Map.of());
    codec = new RecordCodec(registry);
    traffic = new Traffic(seed);
    folder = Files.createDirectories(Path.of("target", "faults", name).toAbsolutePath());
    settings.put("kafka.application-id", name);
    settings.put("kafka.topic-prefix", name + ".");
    settings.put("streams.state-dir", folder.resolve("state").toString());
    settings.put("streams.session-timeout", "6s");
    settings.put("roles", "inference");
    settings.putAll(overrides);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", cluster.bootstrapServers()))) {
      new TopicProvisioner(admin, (short) 1).ensure(topics.all(), true, PATIENCE);
    }
    new SchemaRegistrar(registry, topics).register(PATIENCE);
    defineTasks();
    ledger = new Ledger(topics, codec, cluster.bootstrapServers()).start();
    load =
        new Load(
                traffic,
                codec,
                topics.requests().name(),
                cluster.bootstrapServers(),
                ledger::answered,
                requests)
            .start();
  }

  private void defineTasks() {
    String topic = topics.definitions().name();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", cluster.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      for (TaskDefinition task : traffic.tasks()) {
        byte[] key = task.getTaskId().getBytes(StandardCharsets.UTF_8);
        var unused = producer.send(new ProducerRecord<>(topic, key, codec.serialize(topic, task)));
      }
      producer.flush();
    }
  }

  /** Starts the application, beside those that are there. */
  ServeProcess launch() {
    ServeProcess process =
        new ServeProcess(
            cluster.bootstrapServers(),
            cluster.schemaRegistryUrl(),
            settings,
            folder.resolve("application-" + processes.size() + ".log"));
    processes.add(process);
    return process;
  }

  /** Waits until something that this process answered is committed. */
  void awaitProgress(ServeProcess process) {
    await("a committed prediction")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> {
              process.requireAlive();
              return ledger.hasPredictionSince(process.launched());
            });
    Duration restart = Duration.between(process.launched(), Instant.now());
    if (restart.compareTo(longestRestart) > 0) {
      longestRestart = restart;
    }
  }

  /** The longest time from a launch to its first committed prediction. */
  Duration longestRestart() {
    return longestRestart;
  }

  /** Stops the load and waits until each of its requests has an answer. */
  void drain(ServeProcess process) throws InterruptedException {
    load.finish(DRAIN_PATIENCE);
    int sent = load.sent();
    await("an answer to each of the " + sent + " requests")
        .atMost(DRAIN_PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .until(
            () -> {
              process.requireAlive();
              return ledger.answered() >= sent;
            });
  }

  /** SIGTERM; fails unless it ends in time and as it should. Returns how long that took. */
  Duration terminate(ServeProcess process) throws InterruptedException {
    Instant start = Instant.now();
    int status = process.terminate(SHUTDOWN);
    // 143 is what Java makes of SIGTERM when all shutdown hooks are through.
    if (status != 0 && status != 143) {
      throw new AssertionError("exit status " + status + " after SIGTERM; see " + folder);
    }
    return Duration.between(start, Instant.now());
  }

  /** Waits until the ledger has read all there is; only while no process is running. */
  private void readToTheEnd() {
    await("the ledger at the end").atMost(PATIENCE).until(ledger::isAtTheEnd);
  }

  /** What must hold after the end of the load, with no process running. */
  Verdict verdict() {
    readToTheEnd();
    return Verdict.of(traffic, load.sent(), ledger.entries(), codec, topics.requests().name());
  }

  /**
   * With no process running: the committed offsets and the committed answers must be the same
   * requests, none more and none less.
   *
   * @return what is not so; empty if all is well
   */
  List<String> tornCommits() {
    readToTheEnd();
    Map<TopicPartition, Long> committed = committed();
    Set<String> answered = new HashSet<>();
    ledger.entries().forEach(entry -> answered.add(entry.id()));
    List<String> torn = new ArrayList<>();
    load.positions()
        .forEach(
            (number, position) -> {
              boolean read = position.offset() < committed.getOrDefault(position.partition(), 0L);
              String id = traffic.request(number).id();
              if (read != answered.contains(id)) {
                torn.add(id + (read ? " committed, not answered" : " answered, not committed"));
              }
            });
    return torn;
  }

  private Map<TopicPartition, Long> committed() {
    Map<String, Object> configs =
        Map.of("bootstrap.servers", cluster.bootstrapServers(), "group.id", name);
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(configs, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      Set<TopicPartition> partitions = new HashSet<>();
      consumer
          .partitionsFor(topics.requests().name())
          .forEach(info -> partitions.add(new TopicPartition(info.topic(), info.partition())));
      Map<TopicPartition, Long> offsets = new HashMap<>();
      for (Map.Entry<TopicPartition, OffsetAndMetadata> entry :
          consumer.committed(partitions, PATIENCE).entrySet()) {
        if (entry.getValue() != null) {
          offsets.put(entry.getKey(), entry.getValue().offset());
        }
      }
      return offsets;
    }
  }

  int answered() {
    return ledger.answered();
  }

  @Override
  public void close() throws IOException {
    processes.forEach(ServeProcess::close);
    load.close();
    ledger.close();
    registry.close();
  }
}
