package io.hyperstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private final AtomicInteger counted = new AtomicInteger();

  private Backoff backoff(double random) {
    return new Backoff(
        Duration.ofSeconds(1), Duration.ofSeconds(5), counted::incrementAndGet, () -> random);
  }

  @Test
  void pausesGrowToTheLongestAndStayThere() {
    Backoff backoff = backoff(0);
    List<Long> pauses = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      pauses.add(backoff.failed().toSeconds());
    }
    assertThat(pauses).containsExactly(1L, 2L, 4L, 5L, 5L, 5L);
    assertThat(counted).hasValue(6);
    assertThat(Backoff.pause(Duration.ofSeconds(1), Duration.ofDays(1), Integer.MAX_VALUE))
        .isEqualTo(Duration.ofDays(1));
  }

  @Test
  void aQuarterAtMostIsLeftToChance() {
    assertThat(backoff(1).failed()).isEqualTo(Duration.ofMillis(750));
    assertThat(backoff(0.5).failed()).isEqualTo(Duration.ofMillis(875));
  }

  @Test
  void whatIsSaidGetsRarerAndBeginsAnewAfterASuccess() {
    Backoff backoff = backoff(0);
    List<Integer> said = new ArrayList<>();
    for (int i = 1; i <= 40; i++) {
      backoff.failed();
      if (backoff.isToBeSaid()) {
        said.add(i);
      }
    }
    assertThat(said).containsExactly(1, 2, 4, 8, 16, 32);
    backoff.worked();
    assertThat(backoff.failed()).isEqualTo(Duration.ofSeconds(1));
    assertThat(backoff.isToBeSaid()).isTrue();
  }
}
