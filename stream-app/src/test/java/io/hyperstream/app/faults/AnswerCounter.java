package io.hyperstream.app.faults;

import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Which requests are answered, in a bit each, so that a million take little memory. Reads committed
 * records on a thread of its own; {@link #lag} is for one thread.
 */
final class AnswerCounter implements AutoCloseable {
  private final KafkaConsumer<byte[], byte[]> answers;
  private final KafkaConsumer<byte[], byte[]> offsets;
  private final Set<TopicPartition> requests;
  private final BitSet answered = new BitSet(); // reading thread only
  private final Thread thread = new Thread(this::run, "soak-answers");
  private volatile int count;
  private volatile int surplus;
  private volatile boolean closed;

  /**
   * @param group the application's consumer group
   */
  AnswerCounter(String group, Topics topics, String bootstrapServers) {
    answers =
        SharedCluster.reader(
            bootstrapServers, List.of(topics.predictions().name(), topics.deadLetters().name()));
    offsets =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", bootstrapServers, "group.id", group),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    requests =
        offsets.partitionsFor(topics.requests().name()).stream()
            .map(info -> new TopicPartition(info.topic(), info.partition()))
            .collect(Collectors.toUnmodifiableSet());
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    try (answers) {
      while (!closed) {
        for (ConsumerRecord<byte[], byte[]> record : answers.poll(Duration.ofMillis(50))) {
          add(record);
        }
      }
    }
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // only this thread writes them
  private void add(ConsumerRecord<byte[], byte[]> record) {
    Header header = record.headers().lastHeader(Load.ID_HEADER);
    String id = header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    int number = id.startsWith("r-") ? Integer.parseInt(id.substring(2)) : -1;
    if (number < 0 || answered.get(number)) {
      surplus++;
    } else {
      answered.set(number);
      count++;
    }
  }

  /** Requests with an answer. */
  int answered() {
    return count;
  }

  /** Answers beyond a request's first, or to none. */
  int surplus() {
    return surplus;
  }

  /** Requests that are written and not committed as read. */
  long lag() {
    Map<TopicPartition, Long> ends = offsets.endOffsets(requests);
    long committed =
        offsets.committed(requests).values().stream()
            .mapToLong(offset -> offset == null ? 0 : offset.offset())
            .sum();
    return ends.values().stream().mapToLong(Long::longValue).sum() - committed;
  }

  @Override
  public void close() {
    closed = true;
    try {
      thread.join(TimeUnit.SECONDS.toMillis(30));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    offsets.close();
  }
}
