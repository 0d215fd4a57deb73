package io.hyperstream.model.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * How busy others kept the machine's processors while something was measured: processes that are
 * neither this one nor started by it, and what a hypervisor took away. A process that this one
 * started counts as its own if it lives from {@link #watch} to {@link #share}. Linux only.
 */
public final class OtherLoad {
  private static final Path STATISTICS = Path.of("/proc/stat");
  private static final double TICKS_PER_SECOND = 100;

  /**
   * Seconds of all processors since boot.
   *
   * @param all of any kind, idle too
   * @param busy not idle
   */
  private record Seconds(double all, double busy) {}

  private final Seconds start;
  private final double ownAtStart;

  private OtherLoad(Seconds start) {
    this.start = start;
    ownAtStart = own();
  }

  /** Starts to watch. */
  public static OtherLoad watch() {
    return new OtherLoad(read());
  }

  /** Share of the processors' time since {@link #watch} that others had; empty if unknown. */
  public OptionalDouble share() {
    Seconds now = read();
    if (start == null || now == null || now.all <= start.all) {
      return OptionalDouble.empty();
    }
    double others = now.busy - start.busy - (own() - ownAtStart);
    return OptionalDouble.of(Math.max(0, others / (now.all - start.all)));
  }

  private static double own() {
    ProcessHandle self = ProcessHandle.current();
    return Stream.concat(Stream.of(self), self.descendants())
        .mapToDouble(process -> process.info().totalCpuDuration().orElse(Duration.ZERO).toMillis())
        .map(millis -> millis / 1e3)
        .sum();
  }

  /** Null where there is no such file. */
  private static Seconds read() {
    try (Stream<String> lines = Files.lines(STATISTICS)) {
      String[] fields = lines.findFirst().orElse("").trim().split("\\s+");
      // cpu user nice system idle iowait irq softirq steal; guest times are part of user's.
      double[] ticks = Arrays.stream(fields, 1, 9).mapToDouble(Double::parseDouble).toArray();
      double all = Arrays.stream(ticks).sum();
      return new Seconds(all / TICKS_PER_SECOND, (all - ticks[3] - ticks[4]) / TICKS_PER_SECOND);
    } catch (IOException | RuntimeException e) {
      return null;
    }
  }
}
