package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.app.config.EngineSettings;
import io.hyperstream.app.config.StreamsSettings;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The warm-up")
class WarmUpTest {

  private static StreamsSettings streams(int threads, long transaction, long pass, int poll) {
    return new StreamsSettings(
        threads,
        StreamsSettings.Guarantee.EXACTLY_ONCE_V2,
        StreamsSettings.GroupProtocol.AUTO,
        Duration.ofSeconds(transaction),
        Duration.ofMillis(100),
        Duration.ofSeconds(pass),
        poll,
        Duration.ofSeconds(10),
        Duration.ofSeconds(15),
        "unused",
        Map.of());
  }

  private static final EngineSettings ENGINE =
      new EngineSettings(64, 8192, Duration.ZERO, 256, 1 << 20, 16, Duration.ofSeconds(30), 1);

  @ParameterizedTest(
      name = "{0} rows/s, {1} threads, {2} partitions, {3} s transactions, {4} s pass")
  @CsvSource({
    "2, 1, 1, 60, 60, 30, 30, 16, 6",
    "2, 2, 4, 60, 10, 5, 10, 5, 4",
    "0.01, 4, 1, 60, 10, 1, 1, 1, 1",
    "1e6, 2, 4, 60, 10, 1000, 256, 16, 64"
  })
  @DisplayName("is followed by limits that fit a pass into a quarter of the transaction timeout")
  void admissionLimits(
      double rate,
      int threads,
      int partitions,
      long transaction,
      long pass,
      int poll,
      int window,
      int perPartition,
      int batch) {
    assertThat(AdmissionLimits.of(rate, partitions, streams(threads, transaction, pass, 0), ENGINE))
        .isEqualTo(new AdmissionLimits(poll, window, perPartition, batch));
  }

  @Test
  @DisplayName("does not overrule configured records per poll")
  void configured() {
    assertThat(AdmissionLimits.of(2, 4, streams(2, 60, 10, 50), ENGINE).recordsPerPoll())
        .isEqualTo(50);
  }

  @Test
  @DisplayName("measures rows of the longest input in batches that grow to the policy's limit")
  void measures() {
    TestPredictor predictor = new TestPredictor();
    double rate = new WarmUp(predictor).rowsPerSecond(new BatchPolicy(64, 640, Duration.ZERO));
    assertThat(rate).isPositive();
    assertThat(predictor.batches().stream().mapToInt(b -> b.size()))
        .containsExactly(1, 1, 4, 16, 20);
    assertThat(predictor.batches().get(4))
        .allSatisfy(row -> assertThat(row.inputIds()).hasSize(TestPredictor.MAX_TOKENS));
  }

  @Test
  @DisplayName("refuses a model whose answers are no numbers")
  void notFinite() {
    WarmUp warmUp = new WarmUp(new TestPredictor().notFinite());
    assertThatThrownBy(() -> warmUp.rowsPerSecond(new BatchPolicy(64, 640, Duration.ZERO)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("model " + TestPredictor.MODEL_ID + " does not answer")
        .hasMessageContaining("the scores are not finite")
        .hasMessageContaining("get it again");
  }

  @Test
  @DisplayName("stops early on a slow model")
  void slow() {
    TestPredictor predictor = new TestPredictor().rowTakes(Duration.ofMillis(130));
    double rate = new WarmUp(predictor).rowsPerSecond(new BatchPolicy(64, 6400, Duration.ZERO));
    assertThat(rate).isBetween(0.5, 7.7);
    assertThat(Arrays.asList(1, 1, 4))
        .isEqualTo(predictor.batches().stream().map(b -> b.size()).toList());
  }
}
