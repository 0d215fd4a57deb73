package io.hyperstream.model.prototype;

import java.util.stream.IntStream;

/**
 * Label vectors beside the decoder: they carry label words and vocabulary that a frozen decoder
 * cannot say, from one example per label on. Two sets, over pooled encoder states and over lexical
 * features, each fitted by a convex problem on the examples alone: no gradient goes through the
 * network. Immutable.
 */
public final class Prototypes {
  private static final double RIDGE = 0.05;

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
    int width = states[0].length;
    float[] center = new float[width];
    for (int j = 0; j < width; j++) {
      int place = j;
      double mean = IntStream.of(rows).mapToDouble(row -> states[row][place]).average().orElse(0);
      center[j] = HalfFloats.round((float) mean);
    }
    int[] answers = IntStream.of(rows).map(row -> y[row]).toArray();
    double[] counts = balanced(answers, labels);
    LexicalVector[] x =
        IntStream.of(rows)
            .mapToObj(r -> LexicalVector.of(centred(states[r], center)))
            .toArray(LexicalVector[]::new);
    LexicalVector[] z = IntStream.of(rows).mapToObj(r -> features[r]).toArray(LexicalVector[]::new);
    return new Prototypes(
        center,
        LinearHead.fit(x, width, answers, counts, labels, RIDGE),
        LinearHead.fit(z, LexicalVector.WIDTH, answers, counts, labels, RIDGE));
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

  static double[] centred(float[] state, float[] center) {
    double[] out = new double[center.length];
    for (int j = 0; j < out.length; j++) {
      out[j] = state[j] - center[j];
    }
    return unit(out);
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

  float[] center() {
    return center;
  }

  LinearHead pooled() {
    return pooled;
  }

  LinearHead lexical() {
    return lexical;
  }

  /** By the pooled state [d] of a row. */
  public double[] pooledLogits(float[] state) {
    return pooled.logits(LexicalVector.of(centred(state, center)));
  }

  /** By the lexical features of a row. */
  public double[] lexicalLogits(LexicalVector features) {
    return lexical.logits(features);
  }
}
