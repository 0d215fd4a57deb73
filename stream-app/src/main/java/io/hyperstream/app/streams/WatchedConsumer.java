package io.hyperstream.app.streams;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.internals.AsyncKafkaConsumer;
import org.apache.kafka.clients.consumer.internals.StreamsRebalanceData;
import org.apache.kafka.streams.internals.ConsumerWrapper;

/**
 * The consumer of the streams group protocol, with its {@link OffsetWatch}. Kafka Streams makes it
 * itself and lets it be wrapped by a class it is given the name of.
 */
public final class WatchedConsumer extends ConsumerWrapper {
  private OffsetWatch watch;

  @Override
  public void wrapConsumer(
      AsyncKafkaConsumer<byte[], byte[]> consumer,
      Map<String, Object> config,
      Optional<StreamsRebalanceData> rebalanceData) {
    super.wrapConsumer(consumer, config, rebalanceData);
    watch = (OffsetWatch) config.get(OffsetWatch.CONFIG);
  }

  @Override
  public ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
    return watch.watched(this, () -> super.poll(timeout));
  }
}
