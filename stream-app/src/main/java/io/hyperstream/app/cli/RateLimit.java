package io.hyperstream.app.cli;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** Lets so many through per second, evenly spaced, and does not make up for pauses. One thread. */
final class RateLimit {
  private final long pause;
  private final LongSupplier clock;
  private final LongConsumer sleep;
  private long due;

  /**
   * @param perSecond at most; 0: no limit
   */
  RateLimit(int perSecond) {
    this(perSecond, System::nanoTime, LockSupport::parkNanos);
  }

  /**
   * @param clock nanoseconds
   * @param sleep may return early
   */
  RateLimit(int perSecond, LongSupplier clock, LongConsumer sleep) {
    pause = perSecond == 0 ? 0 : TimeUnit.SECONDS.toNanos(1) / perSecond;
    this.clock = clock;
    this.sleep = sleep;
    due = clock.getAsLong();
  }

  /** Returns when the next one may go. */
  void await() {
    long now = clock.getAsLong();
    while (now - due < 0) {
      sleep.accept(due - now);
      now = clock.getAsLong();
    }
    due = now + pause;
  }
}
