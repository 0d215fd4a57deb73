package io.hyperstream.model.prototype;

/** Minimises a smooth convex function by L-BFGS with backtracking, from 0. */
final class Lbfgs {
  private static final int STEPS = 200;
  private static final int MEMORY = 8;
  private static final int TRIES = 30;

  private Lbfgs() {}

  /**
   * A vector of the space that is searched.
   *
   * @param a its coordinates
   * @param f what they are multiplied with in an inner product, linear in the coordinates; the same
   *     array where they are orthonormal
   */
  record Point(double[] a, double[] f) {
    static Point orthonormal(int size) {
      double[] a = new double[size];
      return new Point(a, a);
    }

    private boolean isOrthonormal() {
      return a == f;
    }

    Point copy() {
      double[] copied = a.clone();
      return new Point(copied, isOrthonormal() ? copied : f.clone());
    }

    double dot(Point other) {
      return LinearHead.dot(a, 0, other.f);
    }

    void scale(double by) {
      scale(a, by);
      if (!isOrthonormal()) {
        scale(f, by);
      }
    }

    private static void scale(double[] v, double by) {
      for (int i = 0; i < v.length; i++) {
        v[i] *= by;
      }
    }

    void add(double factor, Point other) {
      add(a, factor, other.a);
      if (!isOrthonormal()) {
        add(f, factor, other.f);
      }
    }

    private static void add(double[] v, double factor, double[] other) {
      for (int i = 0; i < v.length; i++) {
        v[i] += factor * other[i];
      }
    }
  }

  /** What is minimised. */
  interface Objective {
    /** The point 0. */
    Point zero();

    /**
     * The value at a point.
     *
     * @param gradient becomes the gradient there
     */
    double at(Point w, Point gradient);
  }

  /**
   * Where it is least.
   *
   * @param tolerance a step that gains less than this share of the value ends it
   */
  static Point minimise(Objective objective, double tolerance) {
    Point w = objective.zero();
    Point gradient = objective.zero();
    double value = objective.at(w, gradient);
    Point[] s = new Point[MEMORY];
    Point[] t = new Point[MEMORY];
    double[] st = new double[MEMORY];
    int kept = 0;
    for (int step = 0; step < STEPS; step++) {
      Point direction = direction(gradient, s, t, st, kept);
      double slope = direction.dot(gradient);
      double size = kept == 0 ? 1 / Math.max(1, Math.sqrt(gradient.dot(gradient))) : 1;
      Point next = w;
      Point nextGradient = objective.zero();
      double nextValue = Double.POSITIVE_INFINITY;
      for (int tries = 0; tries < TRIES && !(nextValue <= value + 1e-4 * size * slope); tries++) {
        next = w.copy();
        next.add(size, direction);
        nextValue = objective.at(next, nextGradient);
        size /= 2;
      }
      if (!(nextValue < value)) {
        return w;
      }
      Point ds = next.copy();
      ds.add(-1, w);
      Point dt = nextGradient.copy();
      dt.add(-1, gradient);
      double product = ds.dot(dt);
      if (product > 1e-12) {
        s[kept % MEMORY] = ds;
        t[kept % MEMORY] = dt;
        st[kept % MEMORY] = product;
        kept++;
      }
      boolean done = value - nextValue < tolerance * Math.max(1, Math.abs(value));
      w = next;
      gradient = nextGradient;
      value = nextValue;
      if (done) {
        return w;
      }
    }
    return w;
  }

  private static Point direction(Point gradient, Point[] s, Point[] t, double[] st, int kept) {
    Point q = gradient.copy();
    int from = Math.max(0, kept - MEMORY);
    double[] alpha = new double[MEMORY];
    for (int i = kept - 1; i >= from; i--) {
      int k = i % MEMORY;
      alpha[k] = s[k].dot(q) / st[k];
      q.add(-alpha[k], t[k]);
    }
    if (kept > 0) {
      int last = (kept - 1) % MEMORY;
      q.scale(st[last] / t[last].dot(t[last]));
    }
    for (int i = from; i < kept; i++) {
      int k = i % MEMORY;
      q.add(alpha[k] - t[k].dot(q) / st[k], s[k]);
    }
    q.scale(-1);
    return q;
  }

  /** A row's softmax in place. */
  static double softmax(double[] logits, int from, int to) {
    double top = Double.NEGATIVE_INFINITY;
    for (int l = from; l < to; l++) {
      top = Math.max(top, logits[l]);
    }
    double sum = 0;
    for (int l = from; l < to; l++) {
      logits[l] = Math.exp(logits[l] - top);
      sum += logits[l];
    }
    return sum;
  }
}
