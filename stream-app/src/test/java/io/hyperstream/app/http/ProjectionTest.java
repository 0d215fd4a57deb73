package io.hyperstream.app.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The plane of the task embeddings")
class ProjectionTest {

  @Test
  @DisplayName("shows the two directions in which the vectors differ most, and how much that is")
  void components() {
    Random random = new Random(1);
    List<float[]> vectors = new ArrayList<>();
    double[][] plane = new double[200][2];
    for (double[] point : plane) {
      point[0] = 10 * random.nextGaussian();
      point[1] = 3 * random.nextGaussian();
      float[] vector = new float[8];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = (float) (5 + 0.01 * random.nextGaussian());
      }
      vector[2] += (float) point[0];
      vector[6] -= (float) point[1];
      vectors.add(vector);
    }
    Projection projection = Projection.of(vectors);
    assertThat(projection.explained()[0]).isBetween(0.85, 0.97);
    assertThat(projection.explained()[0] + projection.explained()[1]).isBetween(0.999, 1.0001);
    // Distances on the plane are those between the vectors.
    for (int i = 1; i < 20; i++) {
      assertThat(distance(projection.points()[0], projection.points()[i]))
          .isCloseTo(distance(plane[0], plane[i]), within(0.3));
    }
    assertThat(Projection.of(vectors).points()).isDeepEqualTo(projection.points());
  }

  private static double distance(double[] a, double[] b) {
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  }

  @Test
  @DisplayName("has a place for one vector, for none, and for equal ones")
  void degenerate() {
    assertThat(Projection.of(List.of()).points()).isEmpty();
    assertThat(Projection.of(List.of(new float[] {1, 2})).points()[0]).containsExactly(0, 0);
    Projection equal = Projection.of(List.of(new float[] {1, 2}, new float[] {1, 2}));
    assertThat(equal.points()[1]).containsExactly(0, 0);
    assertThat(equal.explained()).containsExactly(0, 0);
  }
}
