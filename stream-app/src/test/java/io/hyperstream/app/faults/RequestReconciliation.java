package io.hyperstream.app.faults;

import static org.awaitility.Awaitility.await;

import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Defines all tasks, keeps up a load, and reconciles requests with answers: every request must have
 * exactly one outcome. It does not matter where the application runs.
 */
final class RequestReconciliation implements AutoCloseable {
  private static final Duration DRAIN_PATIENCE = Duration.ofMinutes(10);

  private final String group;
  private final Topics topics;
  private final RecordCodec codec;
  private final String bootstrapServers;
  private final Traffic traffic;
  private final OutputReader output;
  private final Load load;

  /**
   * @param group the application's consumer group
   */
  RequestReconciliation(
      String group,
      Topics topics,
      RecordCodec codec,
      String bootstrapServers,
      long seed,
      Load.Flow flow) {
    this.group = group;
    this.topics = topics;
    this.codec = codec;
    this.bootstrapServers = bootstrapServers;
    traffic = new Traffic(seed);
    defineTasks();
    output = new OutputReader(topics, codec, bootstrapServers).start();
    load =
        new Load(traffic, codec, topics.requests().name(), bootstrapServers, output::answered, flow)
            .start();
  }

  private void defineTasks() {
    String topic = topics.definitions().name();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", bootstrapServers),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      for (TaskDefinition task : traffic.tasks()) {
        byte[] key = task.getTaskId().getBytes(StandardCharsets.UTF_8);
        var unused = producer.send(new ProducerRecord<>(topic, key, codec.serialize(topic, task)));
      }
      producer.flush();
    }
  }

  OutputReader output() {
    return output;
  }

  Load load() {
    return load;
  }

  /** Whether every partition has an answer to a request from this number on. */
  boolean flowsSince(int number) {
    Set<Integer> silent = new HashSet<>();
    for (int partition = 0; partition < topics.requests().partitions(); partition++) {
      silent.add(partition);
    }
    int sent = load.sent();
    for (int n = number; n < sent && !silent.isEmpty(); n++) {
      Load.Position position = load.positions().get(n);
      if (position != null && output.answeredAt(Traffic.id(n)).isPresent()) {
        silent.remove(position.partition().partition());
      }
    }
    return silent.isEmpty();
  }

  /** Requests without an answer among those with numbers from, to this one exclusive. */
  int unanswered(int from, int to) {
    int count = 0;
    for (int n = from; n < to; n++) {
      count += output.answeredAt(Traffic.id(n)).isPresent() ? 0 : 1;
    }
    return count;
  }

  /** Written requests without an answer, from this number on, by partition. */
  Map<Integer, Integer> unansweredByPartition(int from) {
    Map<Integer, Integer> counts = new TreeMap<>();
    load.positions()
        .forEach(
            (number, position) -> {
              if (number >= from && output.answeredAt(Traffic.id(number)).isEmpty()) {
                counts.merge(position.partition().partition(), 1, Integer::sum);
              }
            });
    return counts;
  }

  /** The longest that one of these requests waited for its answer. */
  Duration longestWait(int from, int to) {
    long longest = 0;
    for (int n = from; n < to; n++) {
      OptionalLong answered = output.answeredAt(Traffic.id(n));
      Load.Position position = load.positions().get(n);
      if (answered.isPresent() && position != null) {
        longest = Math.max(longest, answered.getAsLong() - position.sentAt());
      }
    }
    return Duration.ofNanos(longest);
  }

  /**
   * Stops the load and waits until each of its requests has an answer.
   *
   * @param alive throws if the application has ended
   */
  void drain(Runnable alive) throws InterruptedException {
    load.finish(DRAIN_PATIENCE);
    int sent = load.sent();
    await("an answer to each of the " + sent + " requests")
        .atMost(DRAIN_PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .until(
            () -> {
              alive.run();
              return unanswered(0, sent) == 0;
            });
  }

  /** Waits until all output is read; only while no application is running. */
  private void readToTheEnd() {
    await("the end of the output").atMost(FaultEnvironment.PATIENCE).until(output::isAtTheEnd);
  }

  /**
   * What must hold after the end of the load, with no application running.
   *
   * @param others ids of requests that are not of the load
   */
  ExactlyOnceResult result(Set<String> others) {
    readToTheEnd();
    List<OutputReader.Entry> entries =
        output.entries().stream().filter(entry -> !others.contains(entry.id())).toList();
    return ExactlyOnceResult.of(traffic, load.sent(), entries, codec, topics.requests().name());
  }

  /**
   * With no application running: the committed offsets and the committed answers must be the same
   * requests, none more and none less.
   *
   * @return what is not so; empty if all is well
   */
  List<String> tornCommits() {
    readToTheEnd();
    Map<TopicPartition, Long> committed = committed();
    Set<String> answered = new HashSet<>();
    output.entries().forEach(entry -> answered.add(entry.id()));
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
    Map<String, Object> configs = Map.of("bootstrap.servers", bootstrapServers, "group.id", group);
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(configs, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      Set<TopicPartition> partitions = new HashSet<>();
      consumer
          .partitionsFor(topics.requests().name())
          .forEach(info -> partitions.add(new TopicPartition(info.topic(), info.partition())));
      Map<TopicPartition, Long> offsets = new HashMap<>();
      for (Map.Entry<TopicPartition, OffsetAndMetadata> entry :
          consumer.committed(partitions, FaultEnvironment.PATIENCE).entrySet()) {
        if (entry.getValue() != null) {
          offsets.put(entry.getKey(), entry.getValue().offset());
        }
      }
      return offsets;
    }
  }

  @Override
  public void close() {
    load.close();
    output.close();
  }
}
