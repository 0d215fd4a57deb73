package io.hyperstream.app.streams;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The watch on the clock")
class ClockWatchTest {
  private long millis = 1_700_000_000_000L;
  private long nanos = -5;
  private final ClockWatch watch = new ClockWatch(() -> millis, () -> nanos);

  private void pass(Duration real, Duration shown) {
    nanos += real.toNanos();
    millis += shown.toMillis();
  }

  @Test
  @DisplayName(
      "sees nothing in a clock that goes on, that jumps ahead, or that falls back a little")
  void fine() {
    assertThat(watch.setBack()).isEmpty();
    pass(Duration.ofDays(400), Duration.ofDays(400));
    assertThat(watch.setBack()).isEmpty();
    pass(Duration.ofSeconds(1), Duration.ofHours(3));
    assertThat(watch.setBack()).isEmpty();
    pass(Duration.ofSeconds(1), Duration.ofSeconds(-8));
    assertThat(watch.setBack()).isEmpty();
  }

  @Test
  @DisplayName("says by how much the clock was set back, until it is where it was")
  void setBack() {
    assertThat(watch.setBack()).isEmpty();
    pass(Duration.ofSeconds(1), Duration.ofHours(-1));
    assertThat(watch.setBack().orElseThrow())
        .isBetween(Duration.ofMinutes(60), Duration.ofMinutes(61));
    pass(Duration.ofNanos(TimeUnit.SECONDS.toNanos(1)), Duration.ofHours(1));
    assertThat(watch.setBack()).isEmpty();
  }
}
