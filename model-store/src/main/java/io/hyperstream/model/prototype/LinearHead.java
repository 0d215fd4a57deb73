package io.hyperstream.model.prototype;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Multinomial logistic regression with a ridge penalty: a vector and a bias per label, over numbers
 * that every row has and others that few rows have. Labels without an example get the mean of the
 * others' logits, neither preferred nor excluded. Immutable.
 */
public final class LinearHead {
  /** With more rows, products between all of them take too much memory. */
  private static final int MOST_ROWS = 2048;

  private final double[][] dense; // [labels][dense features]
  private final double[][] sparse; // [labels][sparse features]
  private final double[] bias;
  private final boolean[] seen;

  private LinearHead(double[][] dense, double[][] sparse, double[] bias, boolean[] seen) {
    this.dense = dense;
    this.sparse = sparse;
    this.bias = bias;
    this.seen = seen;
  }

  /**
   * How to fit.
   *
   * @param ridge the penalty's factor
   * @param tolerance a step that gains less than this share ends it
   */
  public record Settings(double ridge, double tolerance) {
    /** The bias has a hundredth of the penalty. */
    double biasRidge() {
      return ridge * 1e-2;
    }
  }

  /**
   * Fits {@code sum_i c_i log-loss_i + ridge / 2 |W|^2} by L-BFGS, over the weights or over the
   * rows, whichever are fewer.
   *
   * @param x [rows][dense features], of equal length; may have none
   * @param z [rows] sparse features
   * @param width sparse features there are
   * @param y [rows] labels
   * @param c [rows] what each row counts
   */
  public static LinearHead fit(
      double[][] x, LexicalVector[] z, int width, int[] y, double[] c, int labels, Settings by) {
    boolean[] seen = new boolean[labels];
    for (int label : y) {
      seen[label] = true;
    }
    // Weights of features that no row has stay 0.
    int[] used =
        Arrays.stream(z)
            .flatMapToInt(row -> IntStream.of(row.places()))
            .sorted()
            .distinct()
            .toArray();
    LexicalVector[] rows =
        Arrays.stream(z)
            .map(
                row ->
                    new LexicalVector(
                        IntStream.of(row.places())
                            .map(place -> Arrays.binarySearch(used, place))
                            .toArray(),
                        row.values()))
            .toArray(LexicalVector[]::new);
    Rows of = new Rows(x, rows, used.length, y, c, seen);
    boolean fewRows = x.length <= MOST_ROWS && x.length < x[0].length + used.length;
    Weights fitted = fewRows ? RowFit.fit(of, by) : WeightFit.fit(of, by);
    double[][] sparse = new double[labels][width];
    for (int l = 0; l < labels; l++) {
      for (int j = 0; j < used.length; j++) {
        sparse[l][used[j]] = fitted.sparse()[l][j];
      }
    }
    return new LinearHead(fitted.dense(), sparse, fitted.bias(), seen);
  }

  /**
   * What is fitted to.
   *
   * @param x [rows][dense features]
   * @param z [rows] sparse features
   * @param used sparse features there are
   * @param y [rows] labels
   * @param c [rows] what each row counts
   * @param seen [labels] whether a label has a row
   */
  record Rows(double[][] x, LexicalVector[] z, int used, int[] y, double[] c, boolean[] seen) {}

  /**
   * What is found, 0 for labels without a row.
   *
   * @param dense [labels][dense features]
   * @param sparse [labels][used sparse features]
   * @param bias [labels]
   */
  record Weights(double[][] dense, double[][] sparse, double[] bias) {}

  /** Whether the label had an example. */
  boolean seen(int label) {
    return seen[label];
  }

  /** [dense features], not to be changed. */
  double[] dense(int label) {
    return dense[label];
  }

  /** [sparse features], not to be changed. */
  double[] sparse(int label) {
    return sparse[label];
  }

  double bias(int label) {
    return bias[label];
  }

  /** One logit per label. */
  public double[] logits(double[] x, LexicalVector z) {
    double[] out = new double[bias.length];
    double mean = 0;
    int count = 0;
    for (int l = 0; l < out.length; l++) {
      if (seen[l]) {
        out[l] = bias[l] + dot(dense[l], 0, x);
        for (int j = 0; j < z.places().length; j++) {
          out[l] += sparse[l][z.places()[j]] * z.values()[j];
        }
        mean += out[l];
        count++;
      }
    }
    for (int l = 0; l < out.length; l++) {
      if (!seen[l]) {
        out[l] = mean / count;
      }
    }
    return out;
  }

  /** In four sums that do not wait for each other. */
  static double dot(double[] a, int from, double[] b) {
    double s = 0;
    double t = 0;
    double u = 0;
    double v = 0;
    int i = 0;
    for (; i + 3 < b.length; i += 4) {
      s += a[from + i] * b[i];
      t += a[from + i + 1] * b[i + 1];
      u += a[from + i + 2] * b[i + 2];
      v += a[from + i + 3] * b[i + 3];
    }
    for (; i < b.length; i++) {
      s += a[from + i] * b[i];
    }
    return s + t + (u + v);
  }
}
