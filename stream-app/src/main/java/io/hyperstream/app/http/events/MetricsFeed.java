package io.hyperstream.app.http.events;

import io.hyperstream.app.streams.RoleRuntime;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.distribution.CountAtBucket;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.serde.annotation.Serdeable;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A few numbers of this process, once a second while someone watches: rates and percentiles over
 * the last ten seconds, out of the same meters that Prometheus reads. One thread.
 */
@Singleton
final class MetricsFeed {
  private static final int WINDOW_SECONDS = 10;

  /** Longer than this between two looks: nobody watched meanwhile. */
  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(3);

  private final EventStreams streams;
  private final MeterRegistry meters;
  private final List<RoleRuntime> roles;
  private final Deque<Look> looks = new ArrayDeque<>();

  /**
   * The numbers.
   *
   * @param latencyMillis from a request's time to its prediction, end to end
   * @param batchRows rows of a batch, the mean
   * @param sharedRatio share of a batch's tokens known from a row with the same text, the mean
   * @param problems what keeps which part from its work
   */
  @Serdeable
  record Metrics(
      Instant at,
      double answeredPerSecond,
      double deadLettersPerSecond,
      Percentiles latencyMillis,
      @Nullable Double batchRows,
      @Nullable Double sharedRatio,
      long queueRows,
      long residentTasks,
      long prefetchMisses,
      long residentBytes,
      long heapBytes,
      boolean ready,
      Map<String, String> problems) {}

  /**
   * Percentiles of the window, null without any answer in it.
   *
   * @param of what is measured
   */
  @Serdeable
  record Percentiles(String of, @Nullable Double p50, @Nullable Double p95, @Nullable Double p99) {}

  /** Totals at one time. */
  private record Look(
      long nanos,
      double answered,
      double deadLetters,
      double batches,
      double rows,
      double sharedBatches,
      double shared,
      CountAtBucket[] latency) {}

  MetricsFeed(EventStreams streams, MeterRegistry meters, List<RoleRuntime> roles) {
    this.streams = streams;
    this.meters = meters;
    this.roles = roles;
  }

  /** Once. */
  void start() {
    streams.everySecond(
        Channel.METRICS, () -> streams.publish(Channel.METRICS, "metrics", "", measure()));
  }

  Metrics measure() {
    Look now = look();
    if (!looks.isEmpty() && now.nanos() - looks.getLast().nanos() > PAUSE_NANOS) {
      looks.clear();
    }
    looks.addLast(now);
    while (looks.size() > WINDOW_SECONDS + 1) {
      looks.removeFirst();
    }
    Look then = looks.getFirst();
    double seconds = (now.nanos() - then.nanos()) / 1e9;
    Map<String, String> problems = new LinkedHashMap<>();
    for (RoleRuntime role : roles) {
      role.problems().forEach((part, problem) -> problems.put(role.name() + "." + part, problem));
    }
    return new Metrics(
        Instant.now(),
        rate(now.answered() - then.answered(), seconds),
        rate(now.deadLetters() - then.deadLetters(), seconds),
        percentiles(then.latency(), now.latency()),
        mean(now.rows() - then.rows(), now.batches() - then.batches()),
        mean(now.shared() - then.shared(), now.sharedBatches() - then.sharedBatches()),
        gauge("hyperstream.queue.rows"),
        gauge("hyperstream.tasks.resident"),
        (long) counter("hyperstream.prefetch.misses"),
        gauge("hyperstream.adapter.cache.bytes"),
        Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory(),
        problems.isEmpty(),
        problems);
  }

  private Look look() {
    DistributionSummary rows = meters.find("hyperstream.batch.rows").summary();
    DistributionSummary shared = meters.find("hyperstream.batch.shared.ratio").summary();
    Timer latency = meters.find("hyperstream.end.to.end.latency").timer();
    return new Look(
        System.nanoTime(),
        counter("hyperstream.predictions"),
        counter("hyperstream.dead.letters"),
        rows == null ? 0 : rows.count(),
        rows == null ? 0 : rows.totalAmount(),
        shared == null ? 0 : shared.count(),
        shared == null ? 0 : shared.totalAmount(),
        latency == null ? new CountAtBucket[0] : latency.takeSnapshot().histogramCounts());
  }

  private double counter(String name) {
    return meters.find(name).counters().stream().mapToDouble(Counter::count).sum()
        + meters.find(name).functionCounters().stream().mapToDouble(FunctionCounter::count).sum();
  }

  private long gauge(String name) {
    Gauge gauge = meters.find(name).gauge();
    return gauge == null || Double.isNaN(gauge.value()) ? 0 : (long) gauge.value();
  }

  private static double rate(double count, double seconds) {
    return seconds <= 0 ? 0 : Math.max(0, count / seconds);
  }

  @Nullable
  private static Double mean(double sum, double count) {
    return count <= 0 ? null : sum / count;
  }

  /** Out of what was added to cumulative buckets: the upper end of the bucket it falls into. */
  static Percentiles percentiles(CountAtBucket[] then, CountAtBucket[] now) {
    boolean comparable = then.length == now.length && now.length > 0;
    double all = comparable ? now[now.length - 1].count() - then[then.length - 1].count() : 0;
    Double[] found = new Double[3];
    double[] shares = {0.5, 0.95, 0.99};
    for (int i = 0; i < shares.length && all > 0; i++) {
      for (int bucket = 0; bucket < now.length && found[i] == null; bucket++) {
        if (now[bucket].count() - then[bucket].count() >= shares[i] * all) {
          found[i] = now[bucket].bucket(TimeUnit.MILLISECONDS);
        }
      }
    }
    return new Percentiles("end to end", found[0], found[1], found[2]);
  }
}
