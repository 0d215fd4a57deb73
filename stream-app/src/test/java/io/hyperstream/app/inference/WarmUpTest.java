package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The warm-up")
class WarmUpTest {

  @ParameterizedTest(name = "{0} rows/s, {1} threads, {2} s transactions, {3} s pass: {4} records")
  @CsvSource({"2,1,60,60,30", "2,2,60,10,10", "0.01,4,60,10,1", "1e6,2,60,10,1000"})
  @DisplayName("sizes a pass to a quarter of the transaction timeout, or less if so configured")
  void passSize(double rate, int threads, long timeout, long pass, int records) {
    assertThat(
            WarmUp.recordsPerPoll(
                rate, threads, Duration.ofSeconds(timeout), Duration.ofSeconds(pass)))
        .isEqualTo(records);
  }

  @Test
  @DisplayName("measures rows of the longest input in batches that grow to the policy's limit")
  void measures() {
    TestPredictor predictor = new TestPredictor();
    double rate = new WarmUp(predictor).rowsPerSecond(new BatchPolicy(64, 640, Duration.ZERO, 8));
    assertThat(rate).isPositive();
    assertThat(predictor.batches().stream().mapToInt(b -> b.size()))
        .containsExactly(1, 1, 4, 16, 20);
    assertThat(predictor.batches().get(4))
        .allSatisfy(row -> assertThat(row.inputIds()).hasSize(TestPredictor.MAX_TOKENS));
  }

  @Test
  @DisplayName("stops early on a slow model")
  void slow() {
    TestPredictor predictor = new TestPredictor().rowTakes(Duration.ofMillis(400));
    double rate = new WarmUp(predictor).rowsPerSecond(new BatchPolicy(64, 6400, Duration.ZERO, 8));
    assertThat(rate).isBetween(1.0, 2.5);
    assertThat(Arrays.asList(1, 1, 4))
        .isEqualTo(predictor.batches().stream().map(b -> b.size()).toList());
  }
}
