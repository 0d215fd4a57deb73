package io.hyperstream.model.prototype;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Label vectors over a row's vector and its lexical features side by side, by one convex problem on
 * the examples alone. Immutable.
 */
public final class JointHead implements FittedHead {
  /** Chosen, as the features' scales, on tasks that nothing is measured on. */
  private static final double RIDGE = 0.075;

  private static final double TOLERANCE = 1e-4;

  private final float[] center;
  private final LinearHead head;

  private JointHead(float[] center, LinearHead head) {
    this.center = center;
    this.head = head;
  }

  static JointHead fit(float[][] features, LexicalVector[] words, int[] y, int[] rows, int labels) {
    return fit(features, words, y, rows, labels, TOLERANCE);
  }

  static JointHead fit(
      float[][] features,
      LexicalVector[] words,
      int[] y,
      int[] rows,
      int labels,
      double tolerance) {
    float[] center = Prototypes.center(features, rows);
    int[] answers = IntStream.of(rows).map(row -> y[row]).toArray();
    double[][] x =
        IntStream.of(rows)
            .mapToObj(row -> Prototypes.minus(features[row], center))
            .toArray(double[][]::new);
    LexicalVector[] z = IntStream.of(rows).mapToObj(r -> words[r]).toArray(LexicalVector[]::new);
    double[] counts = Prototypes.balanced(answers, labels);
    LinearHead head =
        LinearHead.fit(
            x,
            z,
            LexicalVector.WIDTH,
            answers,
            counts,
            labels,
            new LinearHead.Settings(RIDGE, tolerance));
    return new JointHead(center, head);
  }

  @Override
  public int scorers() {
    return 1;
  }

  @Override
  public double[][] logits(float[] features, LexicalVector words) {
    return new double[][] {head.logits(Prototypes.minus(features, center), words)};
  }

  @Override
  public double similarity(float[] features) {
    double[] logits = head.logits(Prototypes.minus(features, center), LexicalVector.NONE);
    return Scope.similarity(Arrays.stream(logits).max().orElseThrow(), features, center);
  }

  @Override
  public LabelHead labelHead(List<String> labels, double[] weights, Optional<Scope> scope) {
    return LabelHead.of(
        labels,
        center,
        head,
        head,
        false,
        new double[] {weights[0], weights[1], weights[1]},
        scope);
  }
}
