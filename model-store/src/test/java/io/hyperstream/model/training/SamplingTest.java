package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Sampling of tasks and rows")
class SamplingTest {

  @Test
  @DisplayName("draws tasks as often as their probability says, the same for the same seed")
  void frequencies() {
    int[] sizes = {100, 10_000, 1_000};
    double[] expected = TemperatureSampler.probabilities(sizes, 5);
    TemperatureSampler sampler = new TemperatureSampler(sizes, 5, 11);
    TemperatureSampler again = new TemperatureSampler(sizes, 5, 11);
    int[] counts = new int[3];
    int draws = 60_000;
    for (int i = 0; i < draws; i++) {
      counts[sampler.task(i)]++;
      assertThat(again.task(i)).isEqualTo(sampler.task(i));
    }
    for (int i = 0; i < 3; i++) {
      assertThat((double) counts[i] / draws).isCloseTo(expected[i], within(0.01));
    }
  }

  @Test
  @DisplayName("gives every row once per epoch, the last ones too, and like lengths together")
  void epochs() {
    Random random = new Random(1);
    int[][] inputs = new int[103][];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = new int[1 + random.nextInt(60)];
    }
    BatchPlan plan = new BatchPlan(inputs, 10, 0, 3);
    List<Integer> first = new ArrayList<>();
    List<Integer> second = new ArrayList<>();
    int padding = 0;
    long position = 0;
    for (int i = 0; i < 11; i++) {
      int[] batch = plan.batch(position);
      int longest = Arrays.stream(batch).map(row -> inputs[row].length).max().orElseThrow();
      for (int row : batch) {
        first.add(row);
        padding += longest - inputs[row].length;
      }
      position = plan.next(position);
    }
    long secondEpoch = position;
    for (int i = 0; i < 11; i++) {
      Arrays.stream(plan.batch(position)).forEach(second::add);
      position = plan.next(position);
    }
    assertThat(first).hasSize(103).doesNotHaveDuplicates();
    assertThat(second).hasSize(103).doesNotHaveDuplicates().isNotEqualTo(first);
    assertThat(padding).isLessThan(103 * 6);
    assertThat(new BatchPlan(inputs, 10, 0, 3).batch(secondEpoch))
        .isEqualTo(plan.batch(secondEpoch));
  }

  @Test
  @DisplayName("keeps batches within a number of tokens, padding included, without losing a row")
  void tokens() {
    Random random = new Random(2);
    int[][] inputs = new int[90][];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = new int[1 + random.nextInt(80)];
    }
    BatchPlan plan = new BatchPlan(inputs, 16, 64, 3);
    List<Integer> seen = new ArrayList<>();
    for (long at = 0; at >>> 32 == 0; at = plan.next(at)) {
      int[] batch = plan.batch(at);
      int longest = Arrays.stream(batch).map(row -> inputs[row].length).max().orElseThrow();
      assertThat(batch.length == 1 || batch.length * longest <= 64).isTrue();
      assertThat(batch.length).isLessThanOrEqualTo(16);
      Arrays.stream(batch).forEach(seen::add);
    }
    assertThat(seen).hasSize(90).doesNotHaveDuplicates();
  }
}
