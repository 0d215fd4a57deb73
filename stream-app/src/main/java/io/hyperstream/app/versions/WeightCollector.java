package io.hyperstream.app.versions;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.hyperstream.model.store.ModelStore;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * Removes weights from the model store that no version needs any more: neither one that is served
 * nor one that could be served again. Weights are stored before their version is committed, so what
 * is young stays.
 */
public final class WeightCollector {
  /** Longer than any version takes from its weights to its commit. */
  private static final Duration YOUNG = Duration.ofDays(1);

  private final ModelStore store;
  private final String owner;
  private final Topics topics;
  private final RecordCodec codec;
  private final Clock clock;

  /**
   * @param owner whose weights; nobody else's are touched
   */
  public WeightCollector(
      ModelStore store, String owner, Topics topics, RecordCodec codec, Clock clock) {
    this.store = store;
    this.owner = owner;
    this.topics = topics;
    this.codec = codec;
    this.clock = clock;
  }

  /**
   * Reads all versions there are, then removes. If any cannot be read, nothing is removed.
   *
   * @param consumer of committed records, without a group; not closed
   * @param patience for reading the topics
   * @return how many were removed
   * @throws IOException if the topics could not be read in time, or the store fails
   */
  public int collect(Consumer<byte[], byte[]> consumer, Duration patience) throws IOException {
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : List.of(topics.adapters().name(), topics.adapterVersions().name())) {
      consumer
          .partitionsFor(topic)
          .forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
    }
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    Map<TopicPartition, Long> ends = new HashMap<>(consumer.endOffsets(partitions));
    Map<String, String> weights = new HashMap<>(); // topic and key -> reference
    long until = System.nanoTime() + patience.toNanos();
    while (true) {
      ends.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
      if (ends.isEmpty()) {
        break;
      }
      if (System.nanoTime() > until) {
        throw new IOException("the versions were not read within " + patience);
      }
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
        String key = record.topic() + '/' + new String(record.key(), UTF_8);
        reference(record).ifPresentOrElse(r -> weights.put(key, r), () -> weights.remove(key));
      }
    }
    return store.removeWeights(
        owner, new HashSet<>(weights.values()), clock.instant().minus(YOUNG));
  }

  private Optional<String> reference(ConsumerRecord<byte[], byte[]> record) {
    return record.value() == null
        ? Optional.empty()
        : Optional.ofNullable(
            codec
                .deserialize(record.topic(), record.value(), AdapterVersion.class)
                .getWeightsUri());
  }
}
