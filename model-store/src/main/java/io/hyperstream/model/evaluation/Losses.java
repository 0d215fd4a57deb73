package io.hyperstream.model.evaluation;

/**
 * The reference's losses of one teacher-forced batch, accumulated in double.
 *
 * @param targetLogProbabilities of each label, row by row; 0 at padding
 * @param smoothedSum label-smoothed loss, summed over tokens that are not padding: (1 - eps) nll +
 *     eps / V sum_v(-log p_v)
 * @param crossEntropyMean nll, mean over these tokens
 */
record Losses(double[] targetLogProbabilities, double smoothedSum, double crossEntropyMean) {

  /**
   * @param logProbabilities [positions, V]
   * @param labels [positions]
   */
  static Losses of(
      float[] logProbabilities, long[] labels, int vocabulary, int padId, double smoothing) {
    double[] target = new double[labels.length];
    double smoothed = 0;
    double sum = 0;
    int tokens = 0;
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] == padId) {
        continue;
      }
      int row = i * vocabulary;
      double all = 0;
      for (int v = 0; v < vocabulary; v++) {
        all -= logProbabilities[row + v];
      }
      target[i] = logProbabilities[row + (int) labels[i]];
      smoothed += (1 - smoothing) * -target[i] + smoothing / vocabulary * all;
      sum -= target[i];
      tokens++;
    }
    return new Losses(target, smoothed, sum / tokens);
  }
}
