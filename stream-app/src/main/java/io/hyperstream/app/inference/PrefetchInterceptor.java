package io.hyperstream.app.inference;

import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows every poll of a stream thread's main consumer to the {@link Prefetcher} before the topology
 * sees it. Made by the consumer and called on the stream thread only. It changes no record, never
 * waits and never throws; whatever goes wrong here costs a prefetch miss, not a record.
 *
 * <p>Kafka makes interceptors from class names, so the prefetcher comes through the consumer's
 * configuration, as the object it is, under {@value #PREFETCHER_CONFIG}.
 */
public final class PrefetchInterceptor implements ConsumerInterceptor<byte[], byte[]> {
  static final String PREFETCHER_CONFIG = "hyperstream.prefetcher";

  private static final Logger LOG = LoggerFactory.getLogger(PrefetchInterceptor.class);

  private Prefetcher prefetcher;

  @Override
  public void configure(Map<String, ?> configs) {
    if (configs.get(PREFETCHER_CONFIG) instanceof Prefetcher configured) {
      prefetcher = configured;
    } else {
      LOG.warn("Prefetch is off: the consumer has no '{}' in its configuration", PREFETCHER_CONFIG);
    }
  }

  @Override
  public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
    if (prefetcher != null && !records.isEmpty()) {
      try {
        prefetcher.polled(records);
      } catch (RuntimeException e) {
        LOG.warn("Prefetch of a poll failed; its records are computed at their turn", e);
      }
    }
    return records;
  }

  @Override
  public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

  @Override
  public void close() {
    if (prefetcher != null) {
      prefetcher.consumerClosed();
    }
  }
}
