package io.hyperstream.app.http;

import java.util.List;

/**
 * Vectors laid out on a plane: their first two principal components, found by power iteration. The
 * same vectors give the same plane. Immutable.
 *
 * @param points two coordinates per vector
 * @param explained the share of the variance along each
 */
record Projection(double[][] points, double[] explained) {
  private static final int AXES = 2;
  private static final int ITERATIONS = 200;
  private static final double CONVERGED = 1e-10;

  /** Of vectors of one length. */
  static Projection of(List<float[]> vectors) {
    int n = vectors.size();
    double[][] points = new double[n][AXES];
    double[] explained = new double[AXES];
    if (n < 2) {
      return new Projection(points, explained);
    }
    double[][] centred = centred(vectors);
    double[][] covariance = covariance(centred);
    double total = 0;
    for (int i = 0; i < covariance.length; i++) {
      total += covariance[i][i];
    }
    for (int axis = 0; axis < AXES && total > 0; axis++) {
      double[] direction = strongest(covariance);
      double variance = deflate(covariance, direction);
      explained[axis] = Math.max(0, variance / total);
      for (int row = 0; row < n; row++) {
        points[row][axis] = dot(centred[row], direction);
      }
    }
    return new Projection(points, explained);
  }

  private static double[][] centred(List<float[]> vectors) {
    int width = vectors.get(0).length;
    double[] mean = new double[width];
    for (float[] vector : vectors) {
      for (int i = 0; i < width; i++) {
        mean[i] += vector[i] / (double) vectors.size();
      }
    }
    double[][] centred = new double[vectors.size()][width];
    for (int row = 0; row < centred.length; row++) {
      for (int i = 0; i < width; i++) {
        centred[row][i] = vectors.get(row)[i] - mean[i];
      }
    }
    return centred;
  }

  private static double[][] covariance(double[][] centred) {
    int width = centred[0].length;
    double[][] covariance = new double[width][width];
    for (double[] row : centred) {
      for (int i = 0; i < width; i++) {
        for (int j = 0; j < width; j++) {
          covariance[i][j] += row[i] * row[j] / centred.length;
        }
      }
    }
    return covariance;
  }

  /** The direction of most variance, of length 1, its largest number positive. */
  private static double[] strongest(double[][] covariance) {
    int width = covariance.length;
    double[] direction = new double[width];
    for (int i = 0; i < width; i++) {
      direction[i] = 1 + (i % 7) / 7.0; // at right angles to nothing in particular
    }
    normalise(direction);
    for (int step = 0; step < ITERATIONS; step++) {
      double[] next = new double[width];
      for (int i = 0; i < width; i++) {
        next[i] = dot(covariance[i], direction);
      }
      if (!normalise(next)) {
        return direction; // no variance is left
      }
      double moved = 1 - Math.abs(dot(next, direction));
      direction = next;
      if (moved < CONVERGED) {
        break;
      }
    }
    int largest = 0;
    for (int i = 1; i < width; i++) {
      largest = Math.abs(direction[i]) > Math.abs(direction[largest]) ? i : largest;
    }
    double sign = direction[largest] < 0 ? -1 : 1;
    for (int i = 0; i < width; i++) {
      direction[i] *= sign;
    }
    return direction;
  }

  /** Takes the direction's variance out and returns it. */
  private static double deflate(double[][] covariance, double[] direction) {
    double variance = 0;
    for (int i = 0; i < direction.length; i++) {
      variance += direction[i] * dot(covariance[i], direction);
    }
    for (int i = 0; i < direction.length; i++) {
      for (int j = 0; j < direction.length; j++) {
        covariance[i][j] -= variance * direction[i] * direction[j];
      }
    }
    return variance;
  }

  private static boolean normalise(double[] vector) {
    double length = Math.sqrt(dot(vector, vector));
    if (length < 1e-12) {
      return false;
    }
    for (int i = 0; i < vector.length; i++) {
      vector[i] /= length;
    }
    return true;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
