package io.hyperstream.app.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The result of a soak test")
class SoakResultTest {
  private static List<String> growing(IntFunction<SoakSample> sample) {
    return SoakResult.of(IntStream.range(0, 400).mapToObj(sample).toList()).growing().stream()
        .map(SoakResult.Measure::name)
        .toList();
  }

  @Test
  @DisplayName("is clean for a process that warms up and then fluctuates")
  void flat() {
    assertThat(
            growing(
                i ->
                    new SoakSample(
                        1_000 * i,
                        600 + Math.min(i, 90) + i % 13,
                        200 + i % 7,
                        60 + i % 3,
                        1_500 + i % 500)))
        .isEmpty();
  }

  @Test
  @DisplayName("names what grows without end, however slowly")
  void growing() {
    assertThat(growing(i -> new SoakSample(i, 600 + 0.4 * i, 200, 60, 900)))
        .containsExactly("MiB resident");
    assertThat(growing(i -> new SoakSample(i, 600, 200 + i / 10, 60 + i / 40, 900)))
        .containsExactly("file handles", "threads");
    assertThat(growing(i -> new SoakSample(i, 600, 200, 60, 900 + 20L * i)))
        .containsExactly("consumer lag");
  }
}
