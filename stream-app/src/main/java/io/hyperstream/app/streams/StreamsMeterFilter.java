package io.hyperstream.app.streams;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.config.MeterFilterReply;
import jakarta.inject.Singleton;

/**
 * Leaves Kafka Streams' meters of single state stores out: those of stores in memory and on disk
 * have the same names and different tags, which Prometheus refuses, with a warning at every start.
 */
@Singleton
final class StreamsMeterFilter implements MeterFilter {
  @Override
  public MeterFilterReply accept(Meter.Id id) {
    return id.getName().startsWith("kafka.stream.state.")
        ? MeterFilterReply.DENY
        : MeterFilterReply.NEUTRAL;
  }
}
