package io.hyperstream.model.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("Accuracy")
class AccuracyTest {

  @ParameterizedTest(name = "{0} of {1}: {2} to {3}")
  @CsvSource({
    // Newcombe (1998), table I, the score method.
    "81, 263, 0.2553, 0.3662",
    "15, 148, 0.0624, 0.1605",
    "0, 20, 0, 0.1611",
    "1, 29, 0.0061, 0.1718",
    "29, 29, 0.8830, 1"
  })
  @DisplayName("has Wilson's interval")
  void wilson(long right, long of, double low, double high) {
    Accuracy accuracy = new Accuracy(right, of);
    assertThat(accuracy.low()).isCloseTo(low, within(5e-5));
    assertThat(accuracy.high()).isCloseTo(high, within(5e-5));
    assertThat(accuracy.share()).isBetween(accuracy.low(), accuracy.high());
  }

  @Test
  @DisplayName("of nothing is not a number, and in words nothing yet")
  void nothing() {
    Accuracy none = new Accuracy(0, 0);
    assertThat(none.share()).isNaN();
    assertThat(none.low()).isNaN();
    assertThat(none.high()).isNaN();
    assertThat(none).hasToString("no label yet");
    assertThat(new Accuracy(9, 12)).hasToString("9 of 12 labels right, 75.0% (46.8% to 91.1%)");
    assertThatThrownBy(() -> new Accuracy(2, 1)).hasMessageContaining("0 to 1; got 2");
  }
}
