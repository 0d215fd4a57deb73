package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The batch policy")
class BatchPolicyTest {
  private final BatchPolicy policy = new BatchPolicy(4, 100, Duration.ofMillis(5), 8);

  @Test
  @DisplayName("takes the oldest row and those of its length bucket, oldest first")
  void sameBucketFirst() {
    assertThat(policy.select(new int[] {10, 90, 12, 80, 16, 9, 11})).containsExactly(0, 2, 4, 5);
  }

  @Test
  @DisplayName("fills up from near buckets while little of the batch is padding")
  void nearBuckets() {
    assertThat(policy.select(new int[] {10, 2, 17, 90})).containsExactly(0, 2);
  }

  @Test
  @DisplayName("a short row goes with longer ones when they are many")
  void shortWithMany() {
    BatchPolicy large = new BatchPolicy(64, 8192, Duration.ZERO, 8);
    assertThat(large.select(new int[] {8, 24, 24, 24, 24})).hasSize(5);
  }

  @Test
  @DisplayName("has little padding where many rows of mixed lengths wait")
  void littlePadding() {
    BatchPolicy large = new BatchPolicy(64, 8192, Duration.ZERO, 1);
    Random random = new Random(11);
    List<Integer> waiting = new ArrayList<>();
    long padded = 0;
    long tokens = 0;
    long rows = 0;
    int batches = 200;
    for (int batch = 0; batch < batches; batch++) {
      while (waiting.size() < 256) {
        waiting.add(1 + random.nextInt(64));
      }
      int[] chosen = large.select(waiting.stream().mapToInt(Integer::intValue).toArray());
      int longest = IntStream.of(chosen).map(waiting::get).max().orElseThrow();
      rows += chosen.length;
      padded += (long) chosen.length * longest;
      tokens += IntStream.of(chosen).map(waiting::get).sum();
      for (int i = chosen.length - 1; i >= 0; i--) {
        waiting.remove(chosen[i]);
      }
    }
    assertThat(1 - (double) tokens / padded).isLessThan(0.12);
    assertThat((double) rows / batches).isGreaterThan(40);
  }

  @Test
  @DisplayName("keeps rows times longest row within the token limit")
  void tokenLimit() {
    assertThat(policy.select(new int[] {40, 40, 40})).containsExactly(0, 1);
  }

  @Test
  @DisplayName("runs a row that exceeds the token limit by itself")
  void oversized() {
    assertThat(policy.select(new int[] {500, 3, 3})).containsExactly(0);
  }

  @Test
  @DisplayName("never breaks its limits, whatever waits")
  void limitsHold() {
    Random random = new Random(7);
    for (int round = 0; round < 500; round++) {
      int[] lengths =
          IntStream.range(0, 1 + random.nextInt(50)).map(i -> 1 + random.nextInt(60)).toArray();
      int[] batch = policy.select(lengths);
      int longest = IntStream.of(batch).map(i -> lengths[i]).max().orElseThrow();
      assertThat(batch)
          .isNotEmpty()
          .hasSizeLessThanOrEqualTo(4)
          .startsWith(0)
          .doesNotHaveDuplicates();
      assertThat(batch.length * longest).isLessThanOrEqualTo(100);
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
    assertThatThrownBy(() -> new BatchPolicy(0, 1, Duration.ZERO, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("max-batch-rows");
  }
}
