package io.hyperstream.model.prototype;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.hyperstream.model.prototype.LinearHead.Rows;
import io.hyperstream.model.prototype.LinearHead.Settings;
import io.hyperstream.model.prototype.LinearHead.Weights;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("A fit over rows")
class RowFitTest {

  private static Rows rows(int count, int width, int used, int labels) {
    Random random = new Random(11);
    double[][] x = new double[count][width];
    LexicalVector[] z = new LexicalVector[count];
    int[] y = new int[count];
    double[] c = new double[count];
    boolean[] seen = new boolean[labels + 1]; // the last label has no row
    for (int i = 0; i < count; i++) {
      y[i] = i % labels;
      seen[y[i]] = true;
      c[i] = 0.5 + random.nextDouble();
      Arrays.setAll(x[i], j -> random.nextGaussian() / 10);
      int[] places =
          random.ints(0, Math.max(1, used)).limit(Math.min(used, 5)).sorted().distinct().toArray();
      z[i] =
          new LexicalVector(
              places, Arrays.stream(places).mapToDouble(p -> random.nextDouble()).toArray());
    }
    return new Rows(x, z, used, y, c, seen);
  }

  @ParameterizedTest
  @CsvSource({"7, 12, 0, 2", "30, 40, 25, 3", "31, 5, 60, 4", "40, 8, 6, 5", "9, 0, 30, 2"})
  @DisplayName("finds what a fit over weights finds")
  void same(int count, int width, int used, int labels) {
    Rows rows = rows(count, width, used, labels);
    Settings by = new Settings(0.075, 1e-12);
    Weights expected = WeightFit.fit(rows, by);
    Weights found = RowFit.fit(rows, by);
    for (int l = 0; l <= labels; l++) {
      assertThat(found.dense()[l]).containsExactly(expected.dense()[l], within(1e-4));
      assertThat(found.sparse()[l]).containsExactly(expected.sparse()[l], within(1e-4));
      assertThat(found.bias()[l]).isCloseTo(expected.bias()[l], within(1e-3));
    }
  }
}
