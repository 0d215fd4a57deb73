package io.hyperstream.app.streams;

import io.hyperstream.app.config.KafkaSettings;
import io.hyperstream.app.config.StreamsSettings;
import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import io.hyperstream.app.config.StreamsSettings.Guarantee;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.stream.Stream;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.streams.StreamsConfig;

/**
 * What an application asks of Kafka Streams; the rest of its properties is configured.
 *
 * @param applicationId consumer group and prefix of the transactional ids
 * @param protocol {@link GroupProtocol#STREAMS} or {@link GroupProtocol#CLASSIC}
 * @param threads stream threads of this process
 * @param commitInterval between commits
 * @param recordsPerPoll bounds one pass and with it what is buffered per thread
 * @param maxOutputBytes the largest record that is produced
 * @param more of its own; configured properties win over them too, but are added to lists
 */
public record StreamsProperties(
    String applicationId,
    GroupProtocol protocol,
    int threads,
    Duration commitInterval,
    int recordsPerPoll,
    int maxOutputBytes,
    Map<String, Object> more) {
  /** What a consumer holds of the broker's answers, at most, beside what is polled. */
  private static final int FETCH_BYTES = 16 * 1024 * 1024;

  /**
   * How long a client waits for a broker that takes its requests and answers none, such as one that
   * is frozen. Several waits follow each other before work goes on elsewhere, so less than Kafka's
   * 30 seconds.
   */
  private static final int REQUEST_TIMEOUT_MILLIS = 10_000;

  /** The property's name for the consumer that feeds the topology. */
  public static String main(String consumerConfig) {
    return StreamsConfig.MAIN_CONSUMER_PREFIX + consumerConfig;
  }

  /**
   * @param stateDir no other live process has it
   */
  public Properties with(KafkaSettings kafka, StreamsSettings streams, Path stateDir) {
    Properties p = new Properties();
    p.put(CommonClientConfigs.REQUEST_TIMEOUT_MS_CONFIG, REQUEST_TIMEOUT_MILLIS);
    p.putAll(kafka.properties());
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, applicationId);
    p.put(StreamsConfig.STATE_DIR_CONFIG, stateDir.toString());
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
    p.put(
        StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        streams.guarantee() == Guarantee.EXACTLY_ONCE_V2
            ? StreamsConfig.EXACTLY_ONCE_V2
            : StreamsConfig.AT_LEAST_ONCE);
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, commitInterval.toMillis());
    p.put(StreamsConfig.GROUP_PROTOCOL_CONFIG, protocol.name().toLowerCase(Locale.ROOT));
    // Of internal topics; those of the contract are made before.
    p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, kafka.replicationFactor());
    // Reading pauses above this, so that a partition never has more than one poll buffered.
    p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, Math.max(1, recordsPerPoll - 1));
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);

    p.put(main(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), recordsPerPoll);
    p.put(main(ConsumerConfig.FETCH_MAX_BYTES_CONFIG), FETCH_BYTES);
    p.put(main(ConsumerConfig.ISOLATION_LEVEL_CONFIG), "read_committed");
    // So soon a partition that was added is read.
    p.put(
        main(ConsumerConfig.METADATA_MAX_AGE_CONFIG),
        Math.toIntExact(streams.sessionTimeout().toMillis()));
    if (protocol == GroupProtocol.CLASSIC) {
      int session = Math.toIntExact(streams.sessionTimeout().toMillis());
      p.put(main(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), session);
      p.put(main(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), Math.max(1, session / 4));
    }
    // Also under at-least-once: an adapter version counts when it is committed.
    p.put(
        StreamsConfig.GLOBAL_CONSUMER_PREFIX + ConsumerConfig.ISOLATION_LEVEL_CONFIG,
        "read_committed");
    p.put(
        StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG),
        Math.toIntExact(streams.transactionTimeout().toMillis()));
    p.put(StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG), maxOutputBytes);
    p.put(CommonClientConfigs.METRICS_RECORDING_LEVEL_CONFIG, "INFO");
    p.putAll(more);
    p.putAll(streams.properties());
    Map<String, Object> given = new HashMap<>(kafka.properties());
    given.putAll(streams.properties());
    more.forEach(
        (name, ours) -> {
          if (isList(name)) {
            p.put(name, added(given, name, ours));
          }
        });
    return p;
  }

  private static boolean isList(String name) {
    ConfigDef.ConfigKey key = ConsumerConfig.configDef().configKeys().get(consumerConfig(name));
    return key != null && key.type() == ConfigDef.Type.LIST;
  }

  private static String consumerConfig(String name) {
    return name.startsWith(StreamsConfig.MAIN_CONSUMER_PREFIX)
        ? name.substring(StreamsConfig.MAIN_CONSUMER_PREFIX.length())
        : name;
  }

  /** Another's interceptors come first: ours has to see what they leave. */
  private static String added(Map<String, Object> given, String name, Object ours) {
    String config = consumerConfig(name);
    return Stream.of(name, StreamsConfig.consumerPrefix(config), config) // as Kafka Streams looks
        .map(given::get)
        .filter(Objects::nonNull)
        .findFirst()
        .map(others -> others.toString().trim())
        .filter(others -> !others.isEmpty())
        .map(
            others ->
                List.of(others.split("\\s*,\\s*")).contains(ours) ? others : others + "," + ours)
        .orElse(ours.toString());
  }
}
