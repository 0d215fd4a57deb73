package io.hyperstream.model.prototype;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Multinomial logistic regression with a ridge penalty: a vector and a bias per label. Labels
 * without an example get the mean of the others' logits, neither preferred nor excluded.
 */
final class LinearHead {
  private static final int STEPS = 200;
  private static final int MEMORY = 8;

  private final double[][] weights; // [labels][features]
  private final double[] bias;
  private final boolean[] seen;

  private LinearHead(double[][] weights, double[] bias, boolean[] seen) {
    this.weights = weights;
    this.bias = bias;
    this.seen = seen;
  }

  /**
   * Fits {@code sum_i c_i log-loss_i + ridge / 2 |W|^2} by L-BFGS; the bias is hardly penalised.
   *
   * @param x [rows]
   * @param width features there are
   * @param y [rows] labels
   * @param c [rows] what each row counts
   */
  static LinearHead fit(
      LexicalVector[] x, int width, int[] y, double[] c, int labels, double ridge) {
    boolean[] seen = new boolean[labels];
    for (int label : y) {
      seen[label] = true;
    }
    // Weights of features that no row has stay 0.
    int[] used =
        Arrays.stream(x)
            .flatMapToInt(row -> IntStream.of(row.places()))
            .sorted()
            .distinct()
            .toArray();
    LexicalVector[] rows =
        Arrays.stream(x)
            .map(
                row ->
                    new LexicalVector(
                        IntStream.of(row.places())
                            .map(place -> Arrays.binarySearch(used, place))
                            .toArray(),
                        row.values()))
            .toArray(LexicalVector[]::new);
    double[] w = new double[labels * (used.length + 1)];
    minimise(new Objective(rows, used.length, y, c, seen, ridge), w);
    double[][] weights = new double[labels][width];
    double[] bias = new double[labels];
    for (int l = 0; l < labels; l++) {
      int from = l * (used.length + 1);
      for (int j = 0; j < used.length; j++) {
        weights[l][used[j]] = w[from + j];
      }
      bias[l] = w[from + used.length];
    }
    return new LinearHead(weights, bias, seen);
  }

  /** Whether the label had an example. */
  boolean seen(int label) {
    return seen[label];
  }

  /** [features], not to be changed. */
  double[] weights(int label) {
    return weights[label];
  }

  double bias(int label) {
    return bias[label];
  }

  /** One logit per label. */
  double[] logits(LexicalVector x) {
    double[] out = new double[bias.length];
    double mean = 0;
    int count = 0;
    for (int l = 0; l < out.length; l++) {
      if (seen[l]) {
        out[l] = bias[l];
        for (int j = 0; j < x.places().length; j++) {
          out[l] += weights[l][x.places()[j]] * x.values()[j];
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

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < b.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private record Objective(
      LexicalVector[] x, int width, int[] y, double[] c, boolean[] seen, double ridge) {
    double at(double[] w, double[] gradient) {
      int labels = seen.length;
      int stride = width + 1;
      Arrays.fill(gradient, 0);
      double loss = 0;
      double[] p = new double[labels];
      for (int i = 0; i < x.length; i++) {
        int[] places = x[i].places();
        double[] values = x[i].values();
        double top = Double.NEGATIVE_INFINITY;
        for (int l = 0; l < labels; l++) {
          if (seen[l]) {
            double z = w[l * stride + width];
            for (int j = 0; j < places.length; j++) {
              z += w[l * stride + places[j]] * values[j];
            }
            p[l] = z;
            top = Math.max(top, z);
          }
        }
        double sum = 0;
        for (int l = 0; l < labels; l++) {
          p[l] = seen[l] ? Math.exp(p[l] - top) : 0;
          sum += p[l];
        }
        loss -= c[i] * Math.log(Math.max(1e-300, p[y[i]] / sum));
        for (int l = 0; l < labels; l++) {
          if (seen[l]) {
            double slope = c[i] * (p[l] / sum - (l == y[i] ? 1 : 0));
            for (int j = 0; j < places.length; j++) {
              gradient[l * stride + places[j]] += slope * values[j];
            }
            gradient[l * stride + width] += slope;
          }
        }
      }
      for (int k = 0; k < w.length; k++) {
        double penalty = (k + 1) % stride == 0 ? ridge * 1e-2 : ridge;
        loss += penalty / 2 * w[k] * w[k];
        gradient[k] += penalty * w[k];
      }
      return loss;
    }
  }

  /** L-BFGS with backtracking. */
  private static void minimise(Objective objective, double[] w) {
    int n = w.length;
    double[] gradient = new double[n];
    double value = objective.at(w, gradient);
    double[][] s = new double[MEMORY][];
    double[][] t = new double[MEMORY][];
    int kept = 0;
    for (int step = 0; step < STEPS; step++) {
      double[] direction = direction(gradient, s, t, kept);
      double slope = dot(direction, gradient);
      double size = kept == 0 ? 1 / Math.max(1, Math.sqrt(dot(gradient, gradient))) : 1;
      double[] next = new double[n];
      double[] nextGradient = new double[n];
      double nextValue = Double.POSITIVE_INFINITY;
      for (int tries = 0; tries < 30 && !(nextValue <= value + 1e-4 * size * slope); tries++) {
        for (int k = 0; k < n; k++) {
          next[k] = w[k] + size * direction[k];
        }
        nextValue = objective.at(next, nextGradient);
        size /= 2;
      }
      if (!(nextValue < value)) {
        return;
      }
      double[] ds = new double[n];
      double[] dt = new double[n];
      for (int k = 0; k < n; k++) {
        ds[k] = next[k] - w[k];
        dt[k] = nextGradient[k] - gradient[k];
      }
      if (dot(ds, dt) > 1e-12) {
        s[kept % MEMORY] = ds;
        t[kept % MEMORY] = dt;
        kept++;
      }
      boolean done = value - nextValue < 1e-7 * Math.max(1, Math.abs(value));
      System.arraycopy(next, 0, w, 0, n);
      gradient = nextGradient;
      value = nextValue;
      if (done) {
        return;
      }
    }
  }

  private static double[] direction(double[] gradient, double[][] s, double[][] t, int kept) {
    double[] q = gradient.clone();
    int from = Math.max(0, kept - MEMORY);
    double[] alpha = new double[MEMORY];
    for (int i = kept - 1; i >= from; i--) {
      int k = i % MEMORY;
      alpha[k] = dot(s[k], q) / dot(s[k], t[k]);
      add(q, -alpha[k], t[k]);
    }
    if (kept > 0) {
      int last = (kept - 1) % MEMORY;
      double scale = dot(s[last], t[last]) / dot(t[last], t[last]);
      for (int k = 0; k < q.length; k++) {
        q[k] *= scale;
      }
    }
    for (int i = from; i < kept; i++) {
      int k = i % MEMORY;
      add(q, alpha[k] - dot(t[k], q) / dot(s[k], t[k]), s[k]);
    }
    for (int k = 0; k < q.length; k++) {
      q[k] = -q[k];
    }
    return q;
  }

  private static void add(double[] a, double factor, double[] b) {
    for (int i = 0; i < a.length; i++) {
      a[i] += factor * b[i];
    }
  }
}
