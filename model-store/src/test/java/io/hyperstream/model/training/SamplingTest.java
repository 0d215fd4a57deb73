package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
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
    BatchPlan plan = new BatchPlan(inputs, 10, 3);
    List<Integer> first = new ArrayList<>();
    List<Integer> second = new ArrayList<>();
    int padding = 0;
    for (int i = 0; i < 11; i++) {
      int longest = 0;
      for (int row : plan.batch(i)) {
        first.add(row);
        longest = Math.max(longest, inputs[row].length);
      }
      for (int row : plan.batch(i)) {
        padding += longest - inputs[row].length;
      }
    }
    for (int i = 11; i < 22; i++) {
      for (int row : plan.batch(i)) {
        second.add(row);
      }
    }
    assertThat(first).hasSize(103).doesNotHaveDuplicates();
    assertThat(second).hasSize(103).doesNotHaveDuplicates().isNotEqualTo(first);
    assertThat(padding).isLessThan(103 * 6);
    assertThat(new BatchPlan(inputs, 10, 3).batch(13)).isEqualTo(plan.batch(13));
  }
}
