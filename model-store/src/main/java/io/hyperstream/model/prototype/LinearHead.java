package io.hyperstream.model.prototype;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Multinomial logistic regression with a ridge penalty: a vector and a bias per label, over numbers
 * that every row has and others that few rows have. Labels without an example get the mean of the
 * others' logits, neither preferred nor excluded. Immutable.
 */
public final class LinearHead {
  private static final int STEPS = 200;
  private static final int MEMORY = 8;

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
   * @param ridge the penalty's factor; the bias has a hundredth of it
   * @param tolerance a step that gains less than this share ends it
   */
  public record Settings(double ridge, double tolerance) {}

  /**
   * Fits {@code sum_i c_i log-loss_i + ridge / 2 |W|^2} by L-BFGS.
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
    int first = x[0].length;
    int stride = first + used.length + 1;
    double[] w = new double[labels * stride];
    minimise(new Objective(x, rows, used.length, y, c, seen, by.ridge()), w, by.tolerance());
    double[][] ofDense = new double[labels][];
    double[][] ofSparse = new double[labels][width];
    double[] bias = new double[labels];
    for (int l = 0; l < labels; l++) {
      int from = l * stride;
      ofDense[l] = Arrays.copyOfRange(w, from, from + first);
      for (int j = 0; j < used.length; j++) {
        ofSparse[l][used[j]] = w[from + first + j];
      }
      bias[l] = w[from + stride - 1];
    }
    return new LinearHead(ofDense, ofSparse, bias, seen);
  }

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
  private static double dot(double[] a, int from, double[] b) {
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

  private record Objective(
      double[][] x,
      LexicalVector[] z,
      int used,
      int[] y,
      double[] c,
      boolean[] seen,
      double ridge) {

    double at(double[] w, double[] gradient) {
      int labels = seen.length;
      int first = x[0].length;
      int stride = first + used + 1;
      Arrays.fill(gradient, 0);
      double loss = 0;
      double[] p = new double[labels];
      for (int i = 0; i < x.length; i++) {
        int[] places = z[i].places();
        double[] values = z[i].values();
        double top = Double.NEGATIVE_INFINITY;
        for (int l = 0; l < labels; l++) {
          if (seen[l]) {
            int from = l * stride;
            double logit = w[from + stride - 1] + dot(w, from, x[i]);
            for (int j = 0; j < places.length; j++) {
              logit += w[from + first + places[j]] * values[j];
            }
            p[l] = logit;
            top = Math.max(top, logit);
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
            addTo(gradient, l * stride, slope, x[i]);
            for (int j = 0; j < places.length; j++) {
              gradient[l * stride + first + places[j]] += slope * values[j];
            }
            gradient[l * stride + stride - 1] += slope;
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

    private static void addTo(double[] out, int from, double factor, double[] x) {
      for (int j = 0; j < x.length; j++) {
        out[from + j] += factor * x[j];
      }
    }
  }

  /** L-BFGS with backtracking. */
  private static void minimise(Objective objective, double[] w, double tolerance) {
    int n = w.length;
    double[] gradient = new double[n];
    double value = objective.at(w, gradient);
    double[][] s = new double[MEMORY][];
    double[][] t = new double[MEMORY][];
    int kept = 0;
    for (int step = 0; step < STEPS; step++) {
      double[] direction = direction(gradient, s, t, kept);
      double slope = dot(direction, 0, gradient);
      double size = kept == 0 ? 1 / Math.max(1, Math.sqrt(dot(gradient, 0, gradient))) : 1;
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
      if (dot(ds, 0, dt) > 1e-12) {
        s[kept % MEMORY] = ds;
        t[kept % MEMORY] = dt;
        kept++;
      }
      boolean done = value - nextValue < tolerance * Math.max(1, Math.abs(value));
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
      alpha[k] = dot(s[k], 0, q) / dot(s[k], 0, t[k]);
      add(q, -alpha[k], t[k]);
    }
    if (kept > 0) {
      int last = (kept - 1) % MEMORY;
      double scale = dot(s[last], 0, t[last]) / dot(t[last], 0, t[last]);
      for (int k = 0; k < q.length; k++) {
        q[k] *= scale;
      }
    }
    for (int i = from; i < kept; i++) {
      int k = i % MEMORY;
      add(q, alpha[k] - dot(t[k], 0, q) / dot(s[k], 0, t[k]), s[k]);
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
