package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("How scorers are mixed")
class StackingTest {

  @Test
  @DisplayName("a scorer that knows counts more than one that guesses, whatever their scales")
  void stacking() {
    Random random = new Random(4);
    int rows = 80;
    int[] y = random.ints(rows, 0, 3).toArray();
    double[][] knows = new double[rows][3];
    double[][] guesses = new double[rows][3];
    for (int i = 0; i < rows; i++) {
      for (int l = 0; l < 3; l++) {
        knows[i][l] = 100 * random.nextGaussian() + (l == y[i] ? 200 : 0);
        guesses[i][l] = random.nextGaussian();
      }
    }
    double[][][] both = {knows, guesses};
    double[] weights = Stacking.fit(both, y, Stacking.prior(both));
    assertThat(weights[0] * 100).isGreaterThan(4 * weights[1]);
    assertThat(Stacking.logLoss(both, y, weights))
        .isLessThan(Stacking.logLoss(both, y, new double[] {0.01, 1}));
  }

  @Test
  @DisplayName("folds hold each label's rows evenly")
  void folds() {
    int[] y = IntStream.range(0, 30).map(i -> i % 3 == 0 ? 1 : 0).toArray();
    int[] folds = Stacking.folds(y, 5, 1);
    for (int k = 0; k < 5; k++) {
      int fold = k;
      assertThat(IntStream.range(0, 30).filter(i -> folds[i] == fold && y[i] == 1).count())
          .isEqualTo(2);
    }
    assertThat(Stacking.folds(y, 5, 1)).isEqualTo(folds);
  }
}
