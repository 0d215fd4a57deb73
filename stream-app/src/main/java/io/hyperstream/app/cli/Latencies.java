package io.hyperstream.app.cli;

import io.hyperstream.model.bench.Samples;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * From the moment each request was to be sent to its committed answer: a sender that falls behind
 * does not flatter the application. In parts of a second too, to tell how steady it was. Any
 * thread.
 */
final class Latencies implements BenchTraffic.Phase {
  static final Map<String, Double> PERCENTILES = percentiles();

  private static final long MOST_MICROS = TimeUnit.MINUTES.toMicros(10);
  private static final long PART_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Histogram all = new Histogram(MOST_MICROS, 3);
  private final List<Histogram> parts = new ArrayList<>();
  private long first = Long.MAX_VALUE;

  private static Map<String, Double> percentiles() {
    Map<String, Double> percentiles = new LinkedHashMap<>();
    percentiles.put("p50", 50.0);
    percentiles.put("p95", 95.0);
    percentiles.put("p99", 99.0);
    percentiles.put("max", 100.0);
    return Collections.unmodifiableMap(percentiles);
  }

  @Override
  public synchronized void answered(
      long dueNanos, long nowNanos, ConsumerRecord<byte[], byte[]> record) {
    first = Math.min(first, dueNanos);
    long micros =
        Math.min(MOST_MICROS, Math.max(0, TimeUnit.NANOSECONDS.toMicros(nowNanos - dueNanos)));
    all.recordValue(micros);
    int part = (int) ((dueNanos - first) / PART_NANOS);
    while (parts.size() <= part) {
      parts.add(new Histogram(MOST_MICROS, 3));
    }
    parts.get(part).recordValue(micros);
  }

  synchronized long count() {
    return all.getTotalCount();
  }

  synchronized double millis(double percentile) {
    return all.getValueAtPercentile(percentile) / 1000.0;
  }

  /** Interquartile range over the median of the seconds' own percentiles. */
  synchronized double spread(double percentile) {
    return Samples.of(
            parts.stream()
                .filter(part -> part.getTotalCount() > 0)
                .mapToDouble(part -> part.getValueAtPercentile(percentile))
                .toArray())
        .spread();
  }
}
