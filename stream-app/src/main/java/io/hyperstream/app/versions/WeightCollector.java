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
import java.util.Set;
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
   * <p>A rollback writes an old version under a new number and may push the old one out of the log,
   * in one transaction; but its partitions show what is committed one by one. So everything is read
   * up to here, and then on to the end of all that had been written by then, committed or not: what
   * any of that needs stays.
   *
   * @param committed a consumer of committed records, without a group; not closed
   * @param written a consumer of all records, for their ends; not closed
   * @param patience for reading the topics
   * @return how many were removed
   * @throws IOException if the topics could not be read in time, or the store fails
   */
  public int collect(
      Consumer<byte[], byte[]> committed, Consumer<byte[], byte[]> written, Duration patience)
      throws IOException {
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : List.of(topics.adapters().name(), topics.adapterVersions().name())) {
      committed
          .partitionsFor(topic)
          .forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
    }
    committed.assign(partitions);
    committed.seekToBeginning(partitions);
    long until = System.nanoTime() + patience.toNanos();
    Map<String, String> weights = new HashMap<>(); // topic and key -> reference
    read(
        committed,
        committed.endOffsets(partitions),
        until,
        record -> {
          String key = record.topic() + '/' + new String(record.key(), UTF_8);
          reference(record).ifPresentOrElse(r -> weights.put(key, r), () -> weights.remove(key));
        });
    Set<String> needed = new HashSet<>(weights.values());
    read(
        committed,
        written.endOffsets(partitions),
        until,
        record -> reference(record).ifPresent(needed::add));
    return store.removeWeights(owner, needed, clock.instant().minus(YOUNG));
  }

  private static void read(
      Consumer<byte[], byte[]> consumer,
      Map<TopicPartition, Long> upTo,
      long until,
      java.util.function.Consumer<ConsumerRecord<byte[], byte[]>> action)
      throws IOException {
    Map<TopicPartition, Long> ends = new HashMap<>(upTo);
    while (true) {
      ends.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
      if (ends.isEmpty()) {
        return;
      }
      if (System.nanoTime() > until) {
        throw new IOException("the versions were not read in time; left are " + ends.keySet());
      }
      consumer.poll(Duration.ofMillis(200)).forEach(action);
    }
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
