package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A rate limit")
class RateLimitTest {
  private long now = Long.MAX_VALUE - 10; // the clock's zero is anywhere
  private long slept;

  private void sleep(long nanos) {
    long step = Math.max(1, nanos / 2); // waking up early, as threads may
    now += step;
    slept += step;
  }

  @Test
  @DisplayName("spaces what it lets through evenly, and does not make up for a pause")
  void spaces() {
    RateLimit limit = new RateLimit(4, () -> now, this::sleep);
    for (int i = 0; i < 9; i++) {
      limit.await();
    }
    assertThat(slept).isEqualTo(2_000_000_000L);
    now += 60_000_000_000L;
    limit.await();
    assertThat(slept).isEqualTo(2_000_000_000L);
    limit.await();
    assertThat(slept).isEqualTo(2_250_000_000L);
  }

  @Test
  @DisplayName("of none never waits")
  void none() {
    RateLimit limit = new RateLimit(0, () -> now, this::sleep);
    for (int i = 0; i < 1_000; i++) {
      limit.await();
    }
    assertThat(slept).isZero();
  }
}
