package io.hyperstream.app.cli;

import io.hyperstream.model.bench.BenchRow;
import io.hyperstream.model.bench.Samples;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Resident memory of an application over its answers, sampled once a second. */
final class MemoryWatch implements AutoCloseable {
  private static final double MIB = 1 << 20;

  private final PipelineBench.Side side;
  private final Thread thread = new Thread(this::sample, "bench-memory");
  private final List<double[]> samples = new ArrayList<>(); // answers, MiB; guarded by this
  private volatile boolean stop;

  MemoryWatch(PipelineBench.Side side) {
    this.side = side;
    thread.setDaemon(true);
    thread.start();
  }

  private void sample() {
    while (!stop) {
      side.application()
          .residentBytes()
          .ifPresent(
              bytes -> {
                synchronized (this) {
                  samples.add(new double[] {side.traffic().answered(), bytes / MIB});
                }
              });
      LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
    }
  }

  /** Forgets what was before. */
  synchronized void restart() {
    samples.clear();
  }

  /** What it has at the end, and how that grew over the second half of the answers. */
  synchronized List<BenchRow> rows(Map<String, Object> config) {
    if (samples.size() < 4) {
      return List.of(); // the system does not tell
    }
    List<double[]> half = samples.subList(samples.size() / 2, samples.size());
    Samples resident = Samples.of(half.stream().mapToDouble(s -> s[1]).toArray());
    Map<String, Object> about = new LinkedHashMap<>(config);
    about.put("settings", side.label());
    about.put("answers", (long) (half.get(half.size() - 1)[0] - samples.get(0)[0]));
    return List.of(
        BenchRow.of("pipeline.rss", about, resident, "MiB"),
        BenchRow.valued(
            "pipeline.rss.growth",
            about,
            1e5 * slope(half),
            "MiB/100k answers",
            resident.spread()));
  }

  /** Least squares, in MiB per answer. */
  private static double slope(List<double[]> points) {
    double x = points.stream().mapToDouble(p -> p[0]).average().orElseThrow();
    double y = points.stream().mapToDouble(p -> p[1]).average().orElseThrow();
    double xx = points.stream().mapToDouble(p -> (p[0] - x) * (p[0] - x)).sum();
    double xy = points.stream().mapToDouble(p -> (p[0] - x) * (p[1] - y)).sum();
    return xx == 0 ? 0 : xy / xx;
  }

  @Override
  public void close() {
    stop = true;
    LockSupport.unpark(thread);
  }
}
