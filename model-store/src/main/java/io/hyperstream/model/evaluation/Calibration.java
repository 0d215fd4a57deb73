package io.hyperstream.model.evaluation;

/** Whether probabilities mean what they say. */
final class Calibration {
  private static final int BINS = 15;

  private Calibration() {}

  /**
   * Expected calibration error (Guo et al., 2017): the mean distance between the probability of the
   * answer and how often it is right, over {@value #BINS} bins of equal width.
   *
   * @param probabilities [rows][labels]
   * @param y [rows] the right labels
   */
  static double expectedError(double[][] probabilities, int[] y) {
    double[] confidence = new double[BINS];
    double[] right = new double[BINS];
    for (int i = 0; i < y.length; i++) {
      int best = 0;
      for (int l = 1; l < probabilities[i].length; l++) {
        best = probabilities[i][l] > probabilities[i][best] ? l : best;
      }
      int bin = Math.min(BINS - 1, (int) (probabilities[i][best] * BINS));
      confidence[bin] += probabilities[i][best];
      right[bin] += best == y[i] ? 1 : 0;
    }
    double error = 0;
    for (int bin = 0; bin < BINS; bin++) {
      error += Math.abs(confidence[bin] - right[bin]) / y.length;
    }
    return error;
  }
}
