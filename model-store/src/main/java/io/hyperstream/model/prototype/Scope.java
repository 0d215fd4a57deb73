package io.hyperstream.model.prototype;

import java.util.Arrays;
import java.util.Optional;

/**
 * How like a task's examples a text has to be to belong to the task: mean and deviation of the
 * similarity of examples that label vectors had not seen. Immutable.
 *
 * <p>The similarity of a text to a task is the logit of the nearest label vector plus {@value
 * #CENTER} times the cosine to the examples' mean. Label vectors alone say little where there are
 * two labels, the mean alone where there are many; the factor was chosen on tasks that nothing is
 * measured on.
 *
 * @param mean of left-out examples' similarity
 * @param deviation its standard deviation, more than 0
 */
public record Scope(double mean, double deviation) {
  private static final double CENTER = 20;

  /** A deviation of 1 counts as so many examples beside those there are. */
  private static final double PRIOR = 4;

  public Scope {
    if (!Double.isFinite(mean) || !(deviation > 0) || !Double.isFinite(deviation)) {
      throw new IllegalArgumentException(
          "a scope needs a finite mean and a deviation above 0; got " + mean + ", " + deviation);
    }
  }

  /**
   * Fits the two numbers.
   *
   * @param leftOut similarities of examples that were left out
   * @return empty if they say nothing: there is none, or one has no vector
   */
  public static Optional<Scope> of(double[] leftOut) {
    double mean = Arrays.stream(leftOut).average().orElse(Double.NaN);
    if (!Double.isFinite(mean)) {
      return Optional.empty();
    }
    double squares = Arrays.stream(leftOut).map(s -> (s - mean) * (s - mean)).sum();
    return Optional.of(new Scope(mean, Math.sqrt((squares + PRIOR) / (leftOut.length + PRIOR))));
  }

  /**
   * A text's similarity to a task.
   *
   * @param logit of the nearest label vector over states
   * @param state [d] the text's vector
   * @param center [d] the examples' mean
   * @return NaN if one of them has no direction
   */
  static double similarity(double logit, float[] state, float[] center) {
    double product = 0;
    double ofState = 0;
    double ofCenter = 0;
    for (int i = 0; i < center.length; i++) {
      product += (double) state[i] * center[i];
      ofState += (double) state[i] * state[i];
      ofCenter += (double) center[i] * center[i];
    }
    return logit + CENTER * product / Math.sqrt(ofState * ofCenter);
  }

  /**
   * How unlike the task a text is: the share of left-out examples that were more like it, by a
   * logistic distribution of their mean and deviation. Half for a middling text of the task.
   */
  double outside(double similarity) {
    double z = (similarity - mean) / deviation;
    return 1 / (1 + Math.exp(Math.PI / Math.sqrt(3) * z));
  }
}
