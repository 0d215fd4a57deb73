package io.hyperstream.app.adaptation;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.adaptation.PromotionPolicy.Decision;
import io.hyperstream.app.adaptation.TrainingOutcome.Judged;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The promotion policy")
class PromotionPolicyTest {

  private static Judged judged(double better) {
    return FakeTrainer.judgement(FakeTrainer.candidate(1).build(), better, false);
  }

  @ParameterizedTest(name = "{0} where {1} is asked for, first {2}: {3}")
  @CsvSource({
    "0.90, 0.9, false, true",
    "0.89, 0.9, false, false",
    "0.80, 0.9, true, true",
    "0.79, 0.9, true, false",
    "0.60, 0.6, true, true",
    "0.79, 0.8, false, false",
    "1.00, 1.0, false, true",
    "0.99, 1.0, false, false"
  })
  @DisplayName("promotes from the asked probability on, and a first version from 0.8 at the latest")
  void thresholds(double better, double asked, boolean first, boolean promote) {
    assertThat(PromotionPolicy.decide(judged(better), asked, first).promote()).isEqualTo(promote);
  }

  @Test
  @DisplayName("gives its reason with the numbers that decided")
  void reasons() {
    assertThat(PromotionPolicy.decide(judged(0.95), 0.9, false).reason())
        .isEqualTo(
            "Better with probability 0.950, where 0.90 is asked for, judged on 12 examples"
                + " (accuracy 0.500 to 0.750, log_loss 0.900 to 0.400).");
    assertThat(PromotionPolicy.decide(judged(0.5), 0.9, true).reason())
        .startsWith("Not clearly better: better with probability 0.500, but 0.80 is asked for of")
        .contains("a first version");
  }

  @Test
  @DisplayName("promotes nothing that is not there or could not be compared")
  void nothingToPromote() {
    Judged none =
        new Judged(
            Optional.empty(),
            "all texts contradict each other",
            Map.of(),
            Map.of(),
            OptionalDouble.of(1),
            0,
            false,
            Optional.empty());
    Decision decision = PromotionPolicy.decide(none, 0.5, true);
    assertThat(decision.promote()).isFalse();
    assertThat(decision.reason())
        .isEqualTo("No new version could be made; all texts contradict each other.");
    Judged blind =
        new Judged(
            Optional.of(FakeTrainer.candidate(1).build()),
            "",
            Map.of(),
            Map.of(),
            OptionalDouble.empty(),
            0,
            false,
            Optional.empty());
    assertThat(PromotionPolicy.decide(blind, 0.5, true).promote()).isFalse();
    assertThat(PromotionPolicy.decide(blind, 0.5, true).reason()).contains("more examples");
  }
}
