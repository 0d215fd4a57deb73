package io.hyperstream.model.prototype;

import io.hyperstream.model.prototype.Lbfgs.Point;
import io.hyperstream.model.prototype.LinearHead.Rows;
import io.hyperstream.model.prototype.LinearHead.Settings;
import io.hyperstream.model.prototype.LinearHead.Weights;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Finds weights as sums of rows, which those that minimise the loss with its penalty are: for rows
 * of many features. The steps are the same as over the weights, each costs products between rows
 * instead of products with weights.
 *
 * <p>A point's coordinates are what each row counts for each label that has one, then the biases;
 * beside them are the rows' logits without biases, then the biases again.
 */
final class RowFit implements Lbfgs.Objective {
  private final Settings by;
  private final double[][] products; // [rows][rows]
  private final int[] y; // [rows] among the labels that have a row
  private final double[] c;
  private final int labels; // that have a row
  private final double[] p;

  private RowFit(Rows rows, Settings by, int[] labels) {
    this.by = by;
    this.labels = labels.length;
    c = rows.c();
    y = IntStream.of(rows.y()).map(label -> Arrays.binarySearch(labels, label)).toArray();
    products = products(rows);
    p = new double[y.length * labels.length];
  }

  static Weights fit(Rows rows, Settings by) {
    boolean[] seen = rows.seen();
    int[] labels = IntStream.range(0, seen.length).filter(l -> seen[l]).toArray();
    double[] a = Lbfgs.minimise(new RowFit(rows, by, labels), by.tolerance()).a();
    double[][] dense = new double[seen.length][rows.x()[0].length];
    double[][] sparse = new double[seen.length][rows.used()];
    double[] bias = new double[seen.length];
    int n = rows.x().length;
    for (int k = 0; k < labels.length; k++) {
      double[] w = dense[labels[k]];
      for (int i = 0; i < n; i++) {
        double factor = a[i * labels.length + k];
        double[] x = rows.x()[i];
        for (int j = 0; j < w.length; j++) {
          w[j] += factor * x[j];
        }
        LexicalVector z = rows.z()[i];
        for (int j = 0; j < z.places().length; j++) {
          sparse[labels[k]][z.places()[j]] += factor * z.values()[j];
        }
      }
      bias[labels[k]] = a[n * labels.length + k];
    }
    return new Weights(dense, sparse, bias);
  }

  private static double[][] products(Rows rows) {
    int n = rows.x().length;
    double[][] out = new double[n][n];
    double[] words = new double[rows.used()];
    for (int i = 0; i < n; i++) {
      LexicalVector z = rows.z()[i];
      for (int k = 0; k < z.places().length; k++) {
        words[z.places()[k]] = z.values()[k];
      }
      for (int j = 0; j <= i; j++) {
        double sum = LinearHead.dot(rows.x()[i], 0, rows.x()[j]);
        LexicalVector other = rows.z()[j];
        for (int k = 0; k < other.places().length; k++) {
          sum += words[other.places()[k]] * other.values()[k];
        }
        out[i][j] = sum;
        out[j][i] = sum;
      }
      for (int place : z.places()) {
        words[place] = 0;
      }
    }
    return out;
  }

  @Override
  public Point zero() {
    int size = (y.length + 1) * labels;
    return new Point(new double[size], new double[size]);
  }

  @Override
  public double at(Point w, Point gradient) {
    int biases = y.length * labels;
    double[] slopes = gradient.a();
    Arrays.fill(slopes, biases, slopes.length, 0);
    double loss = 0;
    for (int i = 0; i < y.length; i++) {
      int from = i * labels;
      for (int l = 0; l < labels; l++) {
        p[from + l] = w.f()[from + l] + w.a()[biases + l];
      }
      double sum = Lbfgs.softmax(p, from, from + labels);
      loss -= c[i] * Math.log(Math.max(1e-300, p[from + y[i]] / sum));
      for (int l = 0; l < labels; l++) {
        double slope = c[i] * (p[from + l] / sum - (l == y[i] ? 1 : 0));
        slopes[from + l] = slope;
        slopes[biases + l] += slope;
      }
    }
    multiply(slopes, gradient.f());
    for (int k = 0; k < biases; k++) {
      loss += by.ridge() / 2 * w.a()[k] * w.f()[k];
      slopes[k] += by.ridge() * w.a()[k];
      gradient.f()[k] += by.ridge() * w.f()[k];
    }
    for (int k = biases; k < slopes.length; k++) {
      loss += by.biasRidge() / 2 * w.a()[k] * w.a()[k];
      slopes[k] += by.biasRidge() * w.a()[k];
      gradient.f()[k] = slopes[k];
    }
    return loss;
  }

  /** Products between rows times what each row counts: four rows at a time. */
  private void multiply(double[] counts, double[] out) {
    double[] sum = new double[labels];
    int n = y.length;
    for (int i = 0; i < n; i++) {
      double[] of = products[i];
      Arrays.fill(sum, 0);
      int j = 0;
      for (; j + 3 < n; j += 4) {
        addFour(sum, of, counts, j, labels);
      }
      for (; j < n; j++) {
        for (int l = 0; l < labels; l++) {
          sum[l] += of[j] * counts[j * labels + l];
        }
      }
      System.arraycopy(sum, 0, out, i * labels, labels);
    }
  }

  private static void addFour(double[] sum, double[] of, double[] counts, int j, int labels) {
    double r = of[j];
    double s = of[j + 1];
    double t = of[j + 2];
    double u = of[j + 3];
    int second = (j + 1) * labels;
    int third = (j + 2) * labels;
    int fourth = (j + 3) * labels;
    int first = j * labels;
    for (int l = 0; l < labels; l++) {
      sum[l] +=
          r * counts[first + l]
              + s * counts[second + l]
              + (t * counts[third + l] + u * counts[fourth + l]);
    }
  }
}
