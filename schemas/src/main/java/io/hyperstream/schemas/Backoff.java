package io.hyperstream.schemas;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;

/**
 * The pauses between attempts at something that may work later. Each is twice as long as the one
 * before, up to the longest, and up to a quarter shorter at random: many who wait for the same
 * thing do not come back in one moment. Whoever tries waits for {@link #failed}, logs what {@link
 * #isToBeSaid} and says in health or a report what it waits for. Not thread-safe.
 */
public final class Backoff {
  private static final double MOST_JITTER = 0.25;

  private final Duration first;
  private final Duration longest;
  private final Runnable counter;
  private final DoubleSupplier random;
  private int failures;

  /**
   * @param counter run at each failure; a metric
   */
  public Backoff(Duration first, Duration longest, Runnable counter) {
    this(first, longest, counter, () -> ThreadLocalRandom.current().nextDouble());
  }

  Backoff(Duration first, Duration longest, Runnable counter, DoubleSupplier random) {
    this.first = first;
    this.longest = longest;
    this.counter = counter;
    this.random = random;
  }

  /** The pause after so many failures in a row (1 or more), without the random part. */
  public static Duration pause(Duration first, Duration longest, int failures) {
    Duration pause = first;
    for (int i = 1; i < failures && pause.compareTo(longest) < 0; i++) {
      pause = pause.multipliedBy(2);
    }
    return pause.compareTo(longest) < 0 ? pause : longest;
  }

  /** An attempt failed; how long to wait before the next one. */
  public Duration failed() {
    failures = Math.min(failures + 1, Integer.MAX_VALUE - 1);
    counter.run();
    long nanos = pause(first, longest, failures).toNanos();
    return Duration.ofNanos(nanos - (long) (nanos * MOST_JITTER * random.getAsDouble()));
  }

  /** Whether the latest failure is worth a line in the log: the first, the second, fourth, ... */
  public boolean isToBeSaid() {
    return Integer.bitCount(failures) == 1;
  }

  /** Failures in a row. */
  public int failures() {
    return failures;
  }

  /** It worked: the next failure is a first one. */
  public void worked() {
    failures = 0;
  }
}
