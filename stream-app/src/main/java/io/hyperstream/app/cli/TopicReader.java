package io.hyperstream.app.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/**
 * Reads topics without a consumer group: committed records only, every partition from the beginning
 * or from now on, or given ones from given offsets. One thread.
 */
final class TopicReader implements AutoCloseable {
  private final Consumer<byte[], byte[]> consumer;
  private final Map<TopicPartition, Long> ends;

  /**
   * Takes its position now: records committed after this call are behind the end.
   *
   * @param consumer closed with the reader
   */
  TopicReader(Consumer<byte[], byte[]> consumer, Collection<String> topics, boolean fromBeginning) {
    this.consumer = consumer;
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : topics) {
      for (PartitionInfo partition : consumer.partitionsFor(topic)) {
        partitions.add(new TopicPartition(topic, partition.partition()));
      }
    }
    consumer.assign(partitions);
    ends = new HashMap<>(consumer.endOffsets(partitions));
    if (fromBeginning) {
      consumer.seekToBeginning(partitions);
    } else {
      // To the offsets just read, not to whatever the end is when the first poll runs.
      ends.forEach(consumer::seek);
    }
  }

  /**
   * From these offsets on.
   *
   * @param consumer closed with the reader
   */
  TopicReader(Consumer<byte[], byte[]> consumer, Map<TopicPartition, Long> from) {
    this.consumer = consumer;
    consumer.assign(from.keySet());
    ends = new HashMap<>(consumer.endOffsets(from.keySet()));
    from.forEach(consumer::seek);
  }

  Iterable<ConsumerRecord<byte[], byte[]>> poll(Duration timeout) {
    return consumer.poll(timeout);
  }

  /** Hands over everything that was there when the reader was made. */
  void readToEnd(java.util.function.Consumer<ConsumerRecord<byte[], byte[]>> each) {
    while (!reachedEnd()) {
      poll(Duration.ofMillis(200)).forEach(each);
    }
  }

  /** Whether everything that was there when the reader was made has been read. */
  boolean reachedEnd() {
    ends.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
    return ends.isEmpty();
  }

  /** Makes a poll in another thread throw {@code WakeupException}. */
  void wakeup() {
    consumer.wakeup();
  }

  @Override
  public void close() {
    consumer.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ofSeconds(2)));
  }
}
