package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.tensor.Ops;

/** The objectives, each a single value the gradient can start from. */
final class Losses {
  private Losses() {}

  /**
   * The paper's: {@code sum over target tokens of (1 - eps) nll + eps / V sum_v(-log p_v)}, a sum,
   * not a mean.
   *
   * @param logits [B, N, V]
   * @param targets [B, N] int64
   * @param mask [B, N], 0 where the target is padding
   * @param smoothing eps
   */
  static NDArray labelSmoothedSum(NDArray logits, NDArray targets, NDArray mask, double smoothing) {
    NDArray logProbabilities = Ops.logSoftmax(logits); // [B, N, V]
    NDArray likelihood = Ops.pickLast(logProbabilities, targets).mul(mask).sum();
    if (smoothing == 0) {
      return likelihood.neg();
    }
    long width = logits.getShape().get(2);
    NDArray all = logProbabilities.sum(new int[] {2}).mul(mask).sum();
    return Ops.mul(likelihood, (float) (1 - smoothing))
        .add(Ops.mul(all, (float) (smoothing / width)))
        .neg();
  }

  /**
   * Cross entropy over the candidates only: what serving's distribution is measured by.
   *
   * @param scores [B, L], one log-score per label
   * @param labels [B] int64
   * @param weights [B], what each row counts
   * @param smoothing probability spread over all candidates
   */
  static NDArray candidates(NDArray scores, NDArray labels, NDArray weights, double smoothing) {
    NDArray logProbabilities = Ops.logSoftmax(scores); // [B, L]
    NDArray chosen = Ops.pickLast(logProbabilities, labels); // [B]
    if (smoothing > 0) {
      NDArray mean = logProbabilities.mean(new int[] {1});
      chosen = Ops.mul(chosen, (float) (1 - smoothing)).add(Ops.mul(mean, (float) smoothing));
    }
    return chosen.mul(weights).sum().neg();
  }
}
