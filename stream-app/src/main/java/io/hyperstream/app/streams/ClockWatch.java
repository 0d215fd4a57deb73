package io.hyperstream.app.streams;

import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Notices that the machine's clock was set back. Kafka's clients and Kafka Streams time everything
 * by that clock: until it is again where it was they send no heartbeats, commit nothing and call no
 * punctuator. For one thread.
 */
final class ClockWatch {
  /** Nobody notices less: it is as if they had been busy. */
  static final Duration TOLERATED = Duration.ofSeconds(10);

  private static final long NANOS_PER_MILLI = 1_000_000;

  private final LongSupplier epochMillis;
  private final LongSupplier nanos;
  private long furthest = Long.MIN_VALUE; // of the clock ahead of what cannot be set

  ClockWatch() {
    this(System::currentTimeMillis, System::nanoTime);
  }

  /**
   * @param epochMillis the clock that can be set
   * @param nanos one that cannot
   */
  ClockWatch(LongSupplier epochMillis, LongSupplier nanos) {
    this.epochMillis = epochMillis;
    this.nanos = nanos;
  }

  /** How far the clock is behind where it would be by now; empty if that is tolerated. */
  Optional<Duration> setBack() {
    long ahead = epochMillis.getAsLong() - nanos.getAsLong() / NANOS_PER_MILLI;
    furthest = Math.max(furthest, ahead);
    Duration behind = Duration.ofMillis(furthest - ahead);
    return behind.compareTo(TOLERATED) > 0 ? Optional.of(behind) : Optional.empty();
  }
}
