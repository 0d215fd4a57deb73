package io.hyperstream.app.adaptation;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.adaptation.PromotionPolicy.Decision;
import io.hyperstream.app.adaptation.PromotionPolicy.Terms;
import io.hyperstream.app.adaptation.TrainingOutcome.Judged;
import io.hyperstream.model.training.FewShotTrial.Gain;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The promotion policy")
class PromotionPolicyTest {

  /** After version 2 of a task of three labels. */
  private static Terms terms(double asked) {
    return new Terms(asked, 2, 3, 3, 0.2, Optional.empty(), Optional.empty());
  }

  private static Terms firstTerms(double asked) {
    return new Terms(asked, 0, 1, 3, 0.2, Optional.empty(), Optional.empty());
  }

  private static Judged judged(double better) {
    return FakeTrainer.judgement(FakeTrainer.candidate(1).build(), better, true);
  }

  /** Of 12 examples, 6 and then so many right. */
  private static Judged judged(double better, int right, Gain gain, boolean heldOutTrained) {
    return new Judged(
        Optional.of(FakeTrainer.candidate(1).build()),
        "",
        Map.of("accuracy", 0.5, "log_loss", 0.9),
        Map.of("accuracy", right / 12.0, "log_loss", 0.9 - gain.mean()),
        gain,
        OptionalDouble.of(better),
        12,
        heldOutTrained,
        Optional.empty());
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
    Terms terms = first ? firstTerms(asked) : terms(asked);
    assertThat(PromotionPolicy.decide(judged(better), terms).promote()).isEqualTo(promote);
  }

  @Test
  @DisplayName("says first what happened and why, then the numbers")
  void promoted() {
    Decision decision = PromotionPolicy.decide(judged(0.95), terms(0.9));
    assertThat(decision.reason())
        .isEqualTo(
            "Version 3 serves now: it gets 9 of 12 left-out examples right where version 2 got 6."
                + " Log loss of calibrated probabilities 0.900 to 0.400 (less is better). Better"
                + " with probability 0.95, 0.90 asked.");
    assertThat(decision.evaluation()).startsWith("A new version would be published: it gets 9 of");
    assertThat(PromotionPolicy.decide(judged(0.8), firstTerms(0.9)).reason())
        .startsWith("Version 1 serves now: it gets 9 of 12 left-out examples right where the model")
        .endsWith("Better with probability 0.80, 0.80 asked of a first version.");
    assertThat(
            PromotionPolicy.decide(judged(0.95, 6, new Gain(0.1, 0.1), true), terms(0.9)).reason())
        .startsWith(
            "Version 3 serves now: its probabilities are better, and it gets 6 of 12 left-out"
                + " examples right where version 2 got 6.");
  }

  @Test
  @DisplayName("says how many more examples should decide it, and what it was short of")
  void notPromoted() {
    // (1.28 * 1.5 / 0.4)^2 = 23.1 examples would do, 12 there are: 11.1 more, 3.7 of each label.
    Judged judged = judged(0.8951, 9, new Gain(0.4, 1.5), true);
    Decision decision = PromotionPolicy.decide(judged, terms(0.9));
    assertThat(decision.reason())
        .isEqualTo(
            "Version 2 still serves: the new one was not surely better (probability 0.89, 0.90"
                + " asked); about 4 more examples per label should decide it. Log loss of calibrated"
                + " probabilities 0.900 to 0.500 (less is better). Better with probability 0.89, 0.90"
                + " asked; 9 of 12 left-out examples right where version 2 got 6.");
    assertThat(decision.evaluation()).startsWith("Version 2 would still serve: the new one was");
    assertThat(PromotionPolicy.decide(judged(0.5), firstTerms(0.9)).reason())
        .startsWith("The model without examples still serves: the new one was not surely better");
  }

  @ParameterizedTest(name = "mean {0}, spread {1}, asked {2}, all judged {3}: {4} per label")
  @CsvSource({
    // Quantiles: 0.842 for 0.8, 1.28 for 0.9, 1.64 for 0.95; 12 examples, 3 labels.
    "0.4, 1.5, 0.9, true, 4", // (1.28 * 3.75)^2 = 23: 11 more
    "0.5, 2.0, 0.8, true, 1", // (0.842 * 4)^2 = 11.3: it should have been enough, nearly was
    "0.2, 1.5, 0.9, true, 30", // (1.28 * 7.5)^2 = 92: 80 more, 26.8 a label
    "0.2, 2.5, 0.9, true, 90", // (1.28 * 12.5)^2 = 257: 245 more, 81.7 a label
    "0.1, 1.5, 0.95, true, 101", // (1.64 * 15)^2 = 606: nobody knows
    "0.4, 1.5, 0.9, false, 20", // a fifth of what comes is held out: 11 judged of 56
    "1e-9, 1.0, 0.9, true, 101"
  })
  @DisplayName("foretells by mean and spread of the gain, rounded up, as far as that goes")
  void foretells(double mean, double spread, double asked, boolean all, int more) {
    Judged judged = judged(0.7, 9, new Gain(mean, spread), all);
    assertThat(PromotionPolicy.morePerLabel(judged, terms(asked))).isEqualTo(more);
    String reason = PromotionPolicy.decide(judged, terms(asked)).reason();
    assertThat(reason)
        .contains(
            more > 100
                ? "they differ so little that more than 100 more examples per label"
                : more == 1
                    ? "about 1 more example per label should"
                    : "about " + more + " more examples per label should");
  }

  @Test
  @DisplayName("does not ask for more of what makes nothing better")
  void worse() {
    assertThat(PromotionPolicy.decide(judged(0.2, 5, new Gain(-0.1, 1), true), terms(0.9)).reason())
        .startsWith(
            "Version 2 still serves: the new one looks no better, and more of the same examples"
                + " will hardly change that; look for wrong or mixed labels.")
        .contains("0.20, 0.90 asked", "5 of 12 left-out examples right where version 2 got 6")
        .doesNotContain("per label");
    Judged good =
        new Judged(
            Optional.of(FakeTrainer.candidate(1).build()),
            "",
            Map.of("accuracy", 29 / 32.0, "log_loss", 0.305),
            Map.of("accuracy", 27 / 32.0, "log_loss", 0.38),
            new Gain(-0.075, 1),
            OptionalDouble.of(0.33),
            32,
            true,
            Optional.empty());
    assertThat(PromotionPolicy.decide(good, terms(0.9)).reason())
        .startsWith("Version 2 still serves: the new one looks no better, and more of the same")
        .contains("little is left to gain", "27 of 32 left-out examples right where version 2 got")
        .doesNotContain("wrong or mixed");
  }

  @Test
  @DisplayName("keeps what is pinned and says what would serve otherwise; a person decides against")
  void pinned() {
    Terms pinned = new Terms(0.9, 2, 3, 3, 0.2, Optional.of("ann"), Optional.empty());
    Decision kept = PromotionPolicy.decide(judged(0.95), pinned);
    assertThat(kept.promote()).isFalse();
    assertThat(kept.reason())
        .startsWith(
            "Version 2 still serves: it is pinned by ann until UNPIN; otherwise the new one would"
                + " serve: it gets 9 of 12");
    assertThat(kept.evaluation()).startsWith("Version 2 would still serve: it is pinned by ann");
    assertThat(PromotionPolicy.decide(judged(0.5), pinned).reason())
        .contains("pinned by ann until UNPIN; besides, the new one was not surely better");

    Terms anyway = new Terms(0.9, 2, 3, 3, 0.2, Optional.of("ann"), Optional.of("bob"));
    Decision forced = PromotionPolicy.decide(judged(0.2, 5, new Gain(-0.1, 1), true), anyway);
    assertThat(forced.promote()).isTrue();
    assertThat(forced.reason())
        .startsWith(
            "Version 3 serves now: bob promoted it whatever the comparison says: the new one looks"
                + " no better")
        .contains("Better with probability 0.20, 0.90 asked");
    assertThat(PromotionPolicy.decide(judged(0.95), anyway).reason())
        .contains("whatever the comparison says, and it says the same: it gets 9 of 12");
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
            Gain.NONE,
            OptionalDouble.of(1),
            0,
            false,
            Optional.empty());
    Decision decision = PromotionPolicy.decide(none, terms(0.5));
    assertThat(decision.promote()).isFalse();
    assertThat(decision.reason())
        .isEqualTo(
            "Version 2 still serves: no new version could be made. All texts contradict each"
                + " other.");
    Judged blind =
        new Judged(
            Optional.of(FakeTrainer.candidate(1).build()),
            "",
            Map.of(),
            Map.of(),
            Gain.NONE,
            OptionalDouble.empty(),
            0,
            false,
            Optional.empty());
    assertThat(PromotionPolicy.decide(blind, terms(0.5)).promote()).isFalse();
    assertThat(PromotionPolicy.decide(blind, terms(0.5)).reason())
        .isEqualTo(
            "Version 2 still serves: the new one could not be compared with it; more examples of"
                + " every label would help.");
  }
}
