package io.hyperstream.model.prototype;

import io.hyperstream.model.prototype.Lbfgs.Point;
import io.hyperstream.model.prototype.LinearHead.Rows;
import io.hyperstream.model.prototype.LinearHead.Settings;
import io.hyperstream.model.prototype.LinearHead.Weights;
import java.util.Arrays;

/** Finds weights in their own space: for many rows of few features. */
record WeightFit(Rows rows, Settings by) implements Lbfgs.Objective {

  static Weights fit(Rows rows, Settings by) {
    WeightFit fit = new WeightFit(rows, by);
    double[] w = Lbfgs.minimise(fit, by.tolerance()).a();
    int labels = rows.seen().length;
    int first = fit.first();
    int stride = fit.stride();
    double[][] dense = new double[labels][];
    double[][] sparse = new double[labels][];
    double[] bias = new double[labels];
    for (int l = 0; l < labels; l++) {
      int from = l * stride;
      dense[l] = Arrays.copyOfRange(w, from, from + first);
      sparse[l] = Arrays.copyOfRange(w, from + first, from + stride - 1);
      bias[l] = w[from + stride - 1];
    }
    return new Weights(dense, sparse, bias);
  }

  private int first() {
    return rows.x()[0].length;
  }

  /** Of a label: dense weights, sparse ones, bias. */
  private int stride() {
    return first() + rows.used() + 1;
  }

  @Override
  public Point zero() {
    return Point.orthonormal(rows.seen().length * stride());
  }

  @Override
  public double at(Point point, Point slopes) {
    double[] w = point.a();
    double[] gradient = slopes.a();
    boolean[] seen = rows.seen();
    int labels = seen.length;
    int first = first();
    int stride = stride();
    Arrays.fill(gradient, 0);
    double loss = 0;
    double[] p = new double[labels];
    for (int i = 0; i < rows.x().length; i++) {
      double[] x = rows.x()[i];
      int[] places = rows.z()[i].places();
      double[] values = rows.z()[i].values();
      for (int l = 0; l < labels; l++) {
        p[l] = Double.NEGATIVE_INFINITY;
        if (seen[l]) {
          int from = l * stride;
          double logit = w[from + stride - 1] + LinearHead.dot(w, from, x);
          for (int j = 0; j < places.length; j++) {
            logit += w[from + first + places[j]] * values[j];
          }
          p[l] = logit;
        }
      }
      double c = rows.c()[i];
      int y = rows.y()[i];
      double sum = Lbfgs.softmax(p, 0, labels);
      loss -= c * Math.log(Math.max(1e-300, p[y] / sum));
      for (int l = 0; l < labels; l++) {
        if (seen[l]) {
          double slope = c * (p[l] / sum - (l == y ? 1 : 0));
          addTo(gradient, l * stride, slope, x);
          for (int j = 0; j < places.length; j++) {
            gradient[l * stride + first + places[j]] += slope * values[j];
          }
          gradient[l * stride + stride - 1] += slope;
        }
      }
    }
    for (int k = 0; k < w.length; k++) {
      double penalty = (k + 1) % stride == 0 ? by.biasRidge() : by.ridge();
      loss += penalty / 2 * w[k] * w[k];
      gradient[k] += penalty * w[k];
    }
    return loss;
  }

  private static void addTo(double[] out, int from, double factor, double[] x) {
    for (int j = 0; j < x.length; j++) {
      out[from + j] += factor * x[j];
    }
  }
}
