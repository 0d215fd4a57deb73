package io.hyperstream.app.streams;

import java.time.Duration;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.TimestampExtractor;

/**
 * A record's event time is its own timestamp, clamped: a negative one (an old client) or one more
 * than {@link #MAX_AHEAD} in the future (a wrong clock) becomes the time it was read. Negative ones
 * would be skipped by Kafka Streams, far future ones would outlive every retention.
 */
public final class EventTimeExtractor implements TimestampExtractor {
  public static final Duration MAX_AHEAD = Duration.ofDays(1);

  @Override
  public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
    long now = System.currentTimeMillis();
    long timestamp = record.timestamp();
    return timestamp < 0 || timestamp > now + MAX_AHEAD.toMillis() ? now : timestamp;
  }
}
