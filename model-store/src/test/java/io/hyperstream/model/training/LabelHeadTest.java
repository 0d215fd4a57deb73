package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Label vectors and their mixture")
class LabelHeadTest {

  @Test
  @DisplayName("a head is at the minimum of its objective")
  void minimum() {
    // One feature, two labels, by symmetry w = +-v: minimise 2 log(1 + exp(-2 v)) + r v^2.
    double ridge = 0.5;
    LinearHead head =
        LinearHead.fit(new double[][] {{1}, {-1}}, new int[] {0, 1}, new double[] {1, 1}, 2, ridge);
    double[] z = head.logits(new double[] {1});
    double v = (z[0] - z[1]) / 2;
    double slope = -4 / (1 + Math.exp(2 * v)) + 2 * ridge * v;
    assertThat(slope).isCloseTo(0, within(1e-2));
  }

  @Test
  @DisplayName("a label without examples is neither preferred nor excluded")
  void unseenLabel() {
    LinearHead head =
        LinearHead.fit(
            new double[][] {{1, 0}, {0, 1}}, new int[] {0, 2}, new double[] {1, 1}, 3, 0.1);
    double[] z = head.logits(new double[] {1, 0});
    assertThat(z[0]).isGreaterThan(z[1]);
    assertThat(z[1]).isGreaterThan(z[2]);
  }

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
    double[] weights = Stacking.fit(both, y);
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

  @Test
  @DisplayName("rare labels count more, all rows together as many as they are")
  void balanced() {
    double[] counts = Prototypes.balanced(new int[] {0, 0, 0, 0, 1}, 2);
    assertThat(Arrays.stream(counts).sum()).isCloseTo(5, within(1e-9));
    assertThat(counts[4]).isCloseTo(2 * counts[0], within(1e-9));
  }
}
