package io.hyperstream.app.adaptation;

import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.schemas.Backoff;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskLabel;
import io.hyperstream.schemas.UndecodableRecordException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the topic of definitions on a thread of its own, on demand and up to the end at that time.
 * Keeps the label names of all tasks. Has no answer while broker or registry do not answer.
 * Thread-safe.
 */
final class DefinitionsAhead implements DefinitionCheck, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DefinitionsAhead.class);
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  private final String topic;
  private final RecordCodec codec;
  private final Supplier<Consumer<byte[], byte[]>> consumers;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread reader = new Thread(task, "hyperstream-definitions-ahead");
            reader.setDaemon(true);
            return reader;
          });
  private Consumer<byte[], byte[]> consumer; // reading thread only
  private List<TopicPartition> partitions = List.of(); // reading thread only
  private final Map<String, Set<String>> labels = new HashMap<>(); // guarded by this; by task
  private boolean reading; // guarded by this
  private boolean everRead; // guarded by this
  private long asOf; // guarded by this; nanoTime at the begin of the last read that succeeded
  private final Backoff backoff; // guarded by this
  private long notBefore = System.nanoTime(); // guarded by this
  private volatile boolean closed;

  /**
   * @param consumers makes a read-committed consumer without a group
   * @param counter run at each attempt to read that failed
   */
  DefinitionsAhead(
      String topic,
      RecordCodec codec,
      Supplier<Consumer<byte[], byte[]>> consumers,
      Runnable counter) {
    backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, counter);
    this.topic = topic;
    this.codec = codec;
    this.consumers = consumers;
  }

  @Override
  public synchronized Answer look(String taskId, String label) {
    if (everRead && System.nanoTime() - asOf <= FRESH.toNanos()) {
      Set<String> known = labels.get(taskId);
      return known != null && (label == null || known.contains(label))
          ? Answer.COMING
          : Answer.NONE;
    }
    if (!reading && !closed && System.nanoTime() - notBefore >= 0) {
      reading = true;
      thread.execute(this::read);
    }
    return Answer.NOT_YET;
  }

  private void read() {
    long start = System.nanoTime();
    try {
      if (consumer == null) {
        begin();
      }
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, PATIENCE);
      while (!closed && !reached(ends)) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          enter(record);
        }
      }
      synchronized (this) {
        everRead = !closed;
        asOf = start;
        reading = false;
        backoff.worked();
      }
    } catch (RuntimeException e) {
      closeConsumer();
      synchronized (this) {
        everRead = false;
        reading = false;
        notBefore = System.nanoTime() + backoff.failed().toNanos();
        if (backoff.isToBeSaid()) {
          LOG.warn(
              "Definitions cannot be read now: labels and commands of" + " unknown tasks wait: {}",
              e.toString());
        }
      }
    }
  }

  private void begin() {
    synchronized (this) {
      labels.clear();
    }
    consumer = consumers.get();
    partitions =
        consumer.partitionsFor(topic, PATIENCE).stream()
            .map(info -> new TopicPartition(topic, info.partition()))
            .toList();
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
  }

  private boolean reached(Map<TopicPartition, Long> ends) {
    return ends.entrySet().stream()
        .allMatch(end -> consumer.position(end.getKey(), PATIENCE) >= end.getValue());
  }

  /** One that cannot be served changes nothing, here as at the owners. */
  private void enter(ConsumerRecord<byte[], byte[]> record) {
    if (record.key() == null) {
      return;
    }
    String taskId = new String(record.key(), StandardCharsets.UTF_8);
    Set<String> names = null;
    if (record.value() != null) {
      try {
        TaskDefinition written = codec.deserialize(topic, record.value(), TaskDefinition.class);
        TaskDefinitions.check(taskId, written);
        names = written.getLabels().stream().map(TaskLabel::getName).collect(Collectors.toSet());
      } catch (UndecodableRecordException | IllegalArgumentException e) {
        return;
      }
    }
    synchronized (this) {
      if (names == null) {
        labels.remove(taskId);
      } else {
        labels.put(taskId, names);
      }
    }
  }

  private void closeConsumer() {
    if (consumer != null) {
      try {
        consumer.close();
      } catch (KafkaException ignored) {
        // It is given up anyway.
      }
      consumer = null;
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true; // nothing is begun from here on
    }
    thread.execute(this::closeConsumer);
    thread.shutdown();
    try {
      if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
