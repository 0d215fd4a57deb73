package io.hyperstream.app.faults;

import static org.awaitility.Awaitility.await;

import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** One run: all tasks defined, sustained load, the books, and the application. */
final class FaultRun implements AutoCloseable {
  private static final Duration DRAIN_PATIENCE = Duration.ofMinutes(10);
  private static final Duration SHUTDOWN = Duration.ofSeconds(20);

  private final String name;
  private final FaultGround ground;
  private final Topics topics;
  private final RecordCodec codec;
  private final Traffic traffic;
  private final Ledger ledger;
  private final Load load;

  /**
   * @param name prefix of its topics, group and folder
   * @param requests sent at least
   * @param overrides of the application's settings, without {@code hyperstream.}
   */
  FaultRun(String name, long seed, int requests, Map<String, String> overrides) throws Exception {
    this.name = name;
    Map<String, String> settings = new HashMap<>(Map.of("roles", "inference"));
    settings.putAll(overrides);
    ground = new FaultGround(name, settings);
    topics = ground.topics();
    codec = ground.codec();
    traffic = new Traffic(seed);
    defineTasks();
    ledger = new Ledger(topics, codec).start();
    load =
        new Load(
                traffic,
                codec,
                topics.requests().name(),
                ground.bootstrapServers(),
                ledger::answered,
                requests)
            .start();
  }

  private void defineTasks() {
    String topic = topics.definitions().name();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", ground.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      for (TaskDefinition task : traffic.tasks()) {
        byte[] key = task.getTaskId().getBytes(StandardCharsets.UTF_8);
        var unused = producer.send(new ProducerRecord<>(topic, key, codec.serialize(topic, task)));
      }
      producer.flush();
    }
  }

  ServeProcess launch() {
    return ground.launch();
  }

  /** Waits until something that this process answered is committed. */
  void awaitProgress(ServeProcess process) {
    ground.awaitProgress(
        process, "a committed prediction", () -> ledger.hasPredictionSince(process.launched()));
  }

  /** The longest time from a launch to its first committed prediction. */
  Duration longestRestart() {
    return ground.longestRestart();
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
      throw new AssertionError("exit status " + status + " after SIGTERM; see " + ground.folder());
    }
    return Duration.between(start, Instant.now());
  }

  /** Waits until the ledger has read all there is; only while no process is running. */
  private void readToTheEnd() {
    await("the ledger at the end").atMost(FaultGround.PATIENCE).until(ledger::isAtTheEnd);
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
        Map.of("bootstrap.servers", ground.bootstrapServers(), "group.id", name);
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(configs, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      Set<TopicPartition> partitions = new HashSet<>();
      consumer
          .partitionsFor(topics.requests().name())
          .forEach(info -> partitions.add(new TopicPartition(info.topic(), info.partition())));
      Map<TopicPartition, Long> offsets = new HashMap<>();
      for (Map.Entry<TopicPartition, OffsetAndMetadata> entry :
          consumer.committed(partitions, FaultGround.PATIENCE).entrySet()) {
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
    load.close();
    ledger.close();
    ground.close();
  }
}
