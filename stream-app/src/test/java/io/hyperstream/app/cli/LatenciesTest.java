package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class LatenciesTest {
  private final Latencies latencies = new Latencies();

  @Test
  @DisplayName("latency counts from when a request was due, whenever it was sent")
  void due() {
    for (int i = 1; i <= 100; i++) {
      answer(0, i);
    }

    assertThat(latencies.count()).isEqualTo(100);
    assertThat(latencies.millis(50)).isCloseTo(50, within(0.1));
    assertThat(latencies.millis(99)).isCloseTo(99, within(0.1));
    assertThat(latencies.millis(100)).isCloseTo(100, within(0.1));
  }

  @Test
  @DisplayName("the spread tells seconds that went alike from seconds that did not")
  void spread() {
    for (int second = 0; second < 4; second++) {
      answer(1000L * second, 1000L * second + 20);
    }
    assertThat(latencies.spread(50)).isZero();

    for (int second = 4; second < 8; second++) {
      answer(1000L * second, 1000L * second + 40);
    }
    assertThat(latencies.spread(50)).isCloseTo(20.0 / 30, within(0.01));
  }

  private void answer(long dueMillis, long nowMillis) {
    latencies.answered(
        TimeUnit.MILLISECONDS.toNanos(dueMillis), TimeUnit.MILLISECONDS.toNanos(nowMillis), null);
  }
}
