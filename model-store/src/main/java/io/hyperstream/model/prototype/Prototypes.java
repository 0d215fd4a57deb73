package io.hyperstream.model.prototype;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Label vectors beside the decoder: they carry label words and vocabulary that a frozen decoder
 * cannot say, from one example per label on. Two sets, over pooled encoder states and over lexical
 * features, each fitted by a convex problem on the examples alone: no gradient goes through the
 * network. Immutable.
 */
public final class Prototypes implements FittedHead {
  private static final LinearHead.Settings FIT = new LinearHead.Settings(0.05, 1e-7);

  private final float[] center; // [d], of the examples' pooled states
  private final LinearHead pooled;
  private final LinearHead lexical;

  private Prototypes(float[] center, LinearHead pooled, LinearHead lexical) {
    this.center = center;
    this.pooled = pooled;
    this.lexical = lexical;
  }

  /**
   * Fits label vectors to the rows chosen.
   *
   * @param states [all rows][d] pooled encoder states
   * @param features [all rows]
   * @param rows which to learn from
   */
  public static Prototypes fit(
      float[][] states, LexicalVector[] features, int[] y, int[] rows, int labels) {
    float[] center = center(states, rows);
    int[] answers = IntStream.of(rows).map(row -> y[row]).toArray();
    double[] counts = balanced(answers, labels);
    double[][] x =
        IntStream.of(rows).mapToObj(r -> centred(states[r], center)).toArray(double[][]::new);
    LexicalVector[] z = IntStream.of(rows).mapToObj(r -> features[r]).toArray(LexicalVector[]::new);
    return new Prototypes(
        center,
        LinearHead.fit(x, none(rows.length), 0, answers, counts, labels, FIT),
        LinearHead.fit(
            new double[rows.length][0], z, LexicalVector.WIDTH, answers, counts, labels, FIT));
  }

  /** Rare labels count more, by the root of their share; all rows together as many as they are. */
  public static double[] balanced(int[] y, int labels) {
    int[] count = new int[labels];
    for (int label : y) {
      count[label]++;
    }
    double[] out = new double[y.length];
    double sum = 0;
    for (int i = 0; i < y.length; i++) {
      out[i] = 1 / Math.sqrt(count[y[i]]);
      sum += out[i];
    }
    for (int i = 0; i < y.length; i++) {
      out[i] *= y.length / sum;
    }
    return out;
  }

  private static LexicalVector[] none(int rows) {
    LexicalVector[] out = new LexicalVector[rows];
    Arrays.fill(out, LexicalVector.NONE);
    return out;
  }

  /** [d] the mean of some rows, in half precision as it travels. */
  static float[] center(float[][] states, int[] rows) {
    float[] center = new float[states[0].length];
    for (int j = 0; j < center.length; j++) {
      int place = j;
      double mean = IntStream.of(rows).mapToDouble(row -> states[row][place]).average().orElse(0);
      center[j] = HalfFloats.round((float) mean);
    }
    return center;
  }

  static double[] minus(float[] state, float[] center) {
    double[] out = new double[center.length];
    for (int j = 0; j < out.length; j++) {
      out[j] = state[j] - center[j];
    }
    return out;
  }

  static double[] centred(float[] state, float[] center) {
    return unit(minus(state, center));
  }

  static double[] unit(double[] v) {
    double squares = 0;
    for (double value : v) {
      squares += value * value;
    }
    double scale = squares == 0 ? 0 : 1 / Math.sqrt(squares);
    for (int i = 0; i < v.length; i++) {
      v[i] *= scale;
    }
    return v;
  }

  @Override
  public int scorers() {
    return 2;
  }

  @Override
  public double[][] logits(float[] features, LexicalVector words) {
    return new double[][] {
      pooled.logits(centred(features, center), LexicalVector.NONE),
      lexical.logits(new double[0], words)
    };
  }

  @Override
  public double similarity(float[] features) {
    double[] logits = pooled.logits(centred(features, center), LexicalVector.NONE);
    return Scope.similarity(Arrays.stream(logits).max().orElseThrow(), features, center);
  }

  @Override
  public LabelHead labelHead(List<String> labels, double[] weights, Optional<Scope> scope) {
    return LabelHead.of(labels, center, pooled, lexical, true, weights, scope);
  }
}
