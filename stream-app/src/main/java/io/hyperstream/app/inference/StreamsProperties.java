package io.hyperstream.app.inference;

import io.hyperstream.app.config.KafkaSettings;
import io.hyperstream.app.config.StreamsSettings;
import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import io.hyperstream.app.config.StreamsSettings.Guarantee;
import java.util.Locale;
import java.util.Properties;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.StreamsConfig;

/** Kafka Streams' properties from ours. */
final class StreamsProperties {
  /** What a consumer holds of the broker's answers, at most, beside what is polled. */
  private static final int FETCH_BYTES = 16 * 1024 * 1024;

  private StreamsProperties() {}

  /**
   * @param recordsPerPoll bounds one pass and with it what is buffered per thread
   * @param maxOutputBytes the largest record that is produced
   */
  static Properties of(
      KafkaSettings kafka,
      StreamsSettings streams,
      GroupProtocol protocol,
      int recordsPerPoll,
      int maxOutputBytes,
      Prefetcher prefetcher) {
    Properties p = new Properties();
    p.putAll(kafka.properties());
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, kafka.applicationId());
    p.put(StreamsConfig.STATE_DIR_CONFIG, streams.stateDir());
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, streams.threads());
    p.put(
        StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        streams.guarantee() == Guarantee.EXACTLY_ONCE_V2
            ? StreamsConfig.EXACTLY_ONCE_V2
            : StreamsConfig.AT_LEAST_ONCE);
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, streams.commitInterval().toMillis());
    p.put(StreamsConfig.GROUP_PROTOCOL_CONFIG, protocol.name().toLowerCase(Locale.ROOT));
    // Reading pauses above this, so that a partition never has more than one poll buffered.
    p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, Math.max(1, recordsPerPoll - 1));
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);

    p.put(main(ConsumerConfig.INTERCEPTOR_CLASSES_CONFIG), PrefetchInterceptor.class.getName());
    p.put(main(PrefetchInterceptor.PREFETCHER_CONFIG), prefetcher);
    p.put(main(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), recordsPerPoll);
    p.put(main(ConsumerConfig.FETCH_MAX_BYTES_CONFIG), FETCH_BYTES);
    p.put(main(ConsumerConfig.ISOLATION_LEVEL_CONFIG), "read_committed");
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
    p.putAll(streams.properties());
    return p;
  }

  private static String main(String consumerConfig) {
    return StreamsConfig.MAIN_CONSUMER_PREFIX + consumerConfig;
  }
}
