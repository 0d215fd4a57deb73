package io.hyperstream.app.adaptation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.hyperstream.app.adaptation.ErrorDrift.Found;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("Drift of errors")
class ErrorDriftTest {
  private final SplittableRandom random = new SplittableRandom(7);

  private byte[] outcomes(int n, double accuracy) {
    byte[] right = new byte[n];
    for (int i = 0; i < n; i++) {
      right[i] = (byte) (random.nextDouble() < accuracy ? 1 : 0);
    }
    return right;
  }

  private static byte[] and(byte[] before, byte[] after) {
    byte[] both = Arrays.copyOf(before, before.length + after.length);
    System.arraycopy(after, 0, both, before.length, after.length);
    return both;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.3, 0.5, 0.7, 0.9, 0.98, 1})
  @DisplayName("is found at most once in 10,000 outcomes of a constant accuracy")
  void stationary(double accuracy) {
    int steps = 50_000;
    byte[] all = outcomes(steps, accuracy);
    int begin = 0;
    int found = 0;
    for (int n = 1; n <= steps; n++) {
      byte[] window = Arrays.copyOfRange(all, Math.max(begin, n - ErrorDrift.WINDOW), n);
      Optional<Found> drift = ErrorDrift.find(window);
      if (drift.isPresent()) {
        found++;
        begin = n - drift.get().since();
      }
    }
    assertThat(found).isLessThanOrEqualTo(steps / 10_000);
  }

  @ParameterizedTest
  @CsvSource({"0.9, 0.1", "0.8, 0.2", "0.7, 0.3", "0.95, 0.6", "0.9, 0.5"})
  @DisplayName("is found within 200 labels of a change, with the accuracies before and since")
  void change(double before, double after) {
    int late = 0;
    for (int round = 0; round < 100; round++) {
      byte[] right = and(outcomes(300, before), outcomes(200, after));
      Optional<Found> drift = Optional.empty();
      for (int n = 301; n <= 500 && drift.isEmpty(); n++) {
        drift = ErrorDrift.find(Arrays.copyOf(right, n));
      }
      if (drift.isEmpty()) {
        late++;
      } else {
        assertThat(drift.get().before()).isGreaterThan(drift.get().after());
      }
    }
    assertThat(late).as("of 100 not found").isLessThanOrEqualTo(1);
  }

  @Test
  @DisplayName("tells both rates of the shortest stretch that shows it")
  void rates() {
    byte[] right = new byte[100];
    Arrays.fill(right, 0, 92, (byte) 1);
    Found found = ErrorDrift.find(right).orElseThrow();
    assertThat(found.since()).isEqualTo(8);
    assertThat(found.before()).isEqualTo(1);
    assertThat(found.after()).isCloseTo(0, within(1e-9));
  }

  @Test
  @DisplayName("is not found where answers got better, or where there are too few")
  void nothing() {
    byte[] better = new byte[200];
    Arrays.fill(better, 100, 200, (byte) 1);
    assertThat(ErrorDrift.find(better)).isEmpty();
    byte[] few = new byte[37];
    Arrays.fill(few, 0, 29, (byte) 1);
    assertThat(ErrorDrift.find(few)).isEmpty();
    assertThat(ErrorDrift.find(new byte[0])).isEmpty();
  }
}
