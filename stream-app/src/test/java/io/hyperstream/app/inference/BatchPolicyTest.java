package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The batch policy")
class BatchPolicyTest {
  private final BatchPolicy policy = new BatchPolicy(4, 100, Duration.ofMillis(5));

  @Test
  @DisplayName("takes the oldest rows, whatever their lengths")
  void oldestFirst() {
    assertThat(policy.count(new int[] {10, 60, 1, 20, 9})).isEqualTo(4);
  }

  @Test
  @DisplayName("keeps the tokens of all rows within the limit")
  void tokenLimit() {
    assertThat(policy.count(new int[] {40, 40, 40, 1})).isEqualTo(2);
  }

  @Test
  @DisplayName("runs a row that exceeds the token limit by itself")
  void oversized() {
    assertThat(policy.count(new int[] {500, 3, 3})).isEqualTo(1);
  }

  @Test
  @DisplayName("never breaks its limits, whatever waits")
  void limitsHold() {
    Random random = new Random(7);
    for (int round = 0; round < 500; round++) {
      int[] lengths =
          IntStream.range(0, 1 + random.nextInt(50)).map(i -> 1 + random.nextInt(60)).toArray();
      int count = policy.count(lengths);
      int tokens = IntStream.range(0, count).map(i -> lengths[i]).sum();
      assertThat(count).isBetween(1, 4);
      assertThat(tokens).isLessThanOrEqualTo(100);
      boolean more = count < Math.min(4, lengths.length);
      assertThat(more && tokens + lengths[count] <= 100).as("space for another").isFalse();
    }
  }

  @Test
  @DisplayName("is full by rows or by tokens")
  void full() {
    assertThat(policy.isFull(3, 99)).isFalse();
    assertThat(policy.isFull(4, 1)).isTrue();
    assertThat(policy.isFull(1, 100)).isTrue();
  }

  @Test
  @DisplayName("refuses limits no batch can have")
  void refuses() {
    assertThatThrownBy(() -> new BatchPolicy(0, 1, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("max-batch-rows");
  }
}
