package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.tensor.Ops;
import java.util.Arrays;
import java.util.Optional;

/** The objectives, each a single value the gradient can start from. */
final class Losses {
  private static final float LEAST_SQUARE = 1e-6f;

  /** What a label without a row has less than any other. */
  private static final float NOTHING = 1e4f;

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

  /**
   * Mean cross entropy of rows over the batch's labels, a label scored by the cosine to the mean of
   * its other rows. Rows whose label has no other row are not asked about.
   *
   * @param rows [B, d] of length 1
   * @param labels [B] below {@code count}
   * @param scale what cosines are multiplied with
   * @return empty if fewer than two labels have two rows
   */
  static Optional<NDArray> leaveOneOut(NDArray rows, int[] labels, int count, double scale) {
    int b = labels.length;
    int[] members = new int[count];
    for (int label : labels) {
      members[label]++;
    }
    if (Arrays.stream(members).filter(n -> n > 1).count() < 2) {
      return Optional.empty();
    }
    float[] own = new float[b * count];
    float[] none = new float[b * count]; // 1 where a label has no other row than this one
    float[] weights = new float[b];
    long asked = Arrays.stream(labels).filter(label -> members[label] > 1).count();
    long[] index = new long[b];
    for (int row = 0; row < b; row++) {
      for (int label = 0; label < count; label++) {
        boolean mine = label == labels[row];
        own[row * count + label] = mine ? 1 : 0;
        none[row * count + label] = members[label] == (mine ? 1 : 0) ? 1 : 0;
      }
      index[row] = labels[row];
      weights[row] = members[labels[row]] > 1 ? 1f / asked : 0;
    }
    NDManager manager = rows.getManager();
    Shape shape = new Shape(b, count);
    NDArray mine = manager.create(own, shape);
    NDArray empty = manager.create(none, shape);
    NDArray sums = Ops.linear(Ops.swapAxes(mine, 0, 1), Ops.swapAxes(rows, 0, 1)); // [L, d]
    NDArray toSum = Ops.linear(rows, sums); // [B, L]
    // Of the sum s without the row e: s e - e e, and (s - e)^2 = s s - 2 s e + e e; e e = 1.
    NDArray product = toSum.sub(mine);
    NDArray square =
        sums.mul(sums)
            .sum(new int[] {1})
            .reshape(1, count)
            .sub(Ops.mul(mine.mul(toSum), 2))
            .add(mine)
            .add(empty)
            .add(Ops.mul(mine.onesLike(), LEAST_SQUARE));
    NDArray cosines = product.div(square.sqrt());
    NDArray scores = Ops.mul(cosines, (float) scale).sub(Ops.mul(empty, NOTHING));
    return Optional.of(candidates(scores, manager.create(index), manager.create(weights), 0));
  }
}
