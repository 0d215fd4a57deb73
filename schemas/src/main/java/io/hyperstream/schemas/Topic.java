package io.hyperstream.schemas;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.TopicConfig;

/**
 * One topic of the contract: what it is called, what it holds and how it is created when missing.
 *
 * @param name with the prefix
 * @param value the record in it; empty: raw bytes, without a subject in the registry
 * @param partitions when created here
 * @param cleanup whether the last record per key is kept, or every record for a time
 * @param retention for {@link Cleanup#DELETE}; empty for {@link Cleanup#COMPACT}
 * @param maxRecordBytes the largest record batch (after compression) it takes
 */
public record Topic(
    String name,
    Optional<Class<? extends SpecificRecord>> value,
    int partitions,
    Cleanup cleanup,
    Optional<Duration> retention,
    int maxRecordBytes) {

  /** Records have the time at which the broker got them, whatever their producer says. */
  static final String ARRIVAL = "LogAppendTime";

  /** Kafka's two clean-up policies. */
  public enum Cleanup {
    DELETE,
    COMPACT
  }

  public Topic {
    if (partitions < 1) {
      throw new IllegalArgumentException(
          "topic " + name + " needs at least one partition; got " + partitions);
    }
    if (maxRecordBytes < 1024) {
      throw new IllegalArgumentException(
          "topic " + name + " needs space for records of 1024 bytes; got " + maxRecordBytes);
    }
    if (retention.isPresent() != (cleanup == Cleanup.DELETE)) {
      throw new IllegalArgumentException(
          "topic " + name + ": a retention time belongs to cleanup DELETE and to no other");
    }
  }

  /** The topic's settings in Kafka's words. */
  public Map<String, String> configs() {
    Map<String, String> configs = new HashMap<>();
    configs.put(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(maxRecordBytes));
    switch (cleanup) {
      case DELETE -> {
        configs.put(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_DELETE);
        configs.put(
            TopicConfig.RETENTION_MS_CONFIG, Long.toString(retention.orElseThrow().toMillis()));
        // Retention counts from arrival: a record of last year is kept as long as any other.
        configs.put(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG, ARRIVAL);
      }
      case COMPACT -> {
        configs.put(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT);
        // Small topics that every replica reads from the start: keep them short.
        configs.put(TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG, "0.1");
        configs.put(TopicConfig.SEGMENT_MS_CONFIG, Long.toString(Duration.ofDays(1).toMillis()));
      }
    }
    return configs;
  }

  NewTopic toNewTopic(short replicationFactor) {
    Optional<Short> replicas =
        replicationFactor < 1 ? Optional.empty() : Optional.of(replicationFactor);
    return new NewTopic(name, Optional.of(partitions), replicas).configs(configs());
  }
}
