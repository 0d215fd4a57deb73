package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.tensor.Ops;
import java.util.List;

/**
 * Log-probabilities of a few tokens under the full vocabulary. All of the vocabulary's scores are
 * needed for their sum; they are made for some positions at a time, because for all they would be
 * the largest array by far.
 */
final class VocabularyScores {
  private VocabularyScores() {}

  /** How many positions' scores fit into so many bytes. */
  static int positionsAtOnce(T5 t5, long bytes) {
    return (int) Math.max(1, bytes / Float.BYTES / t5.config().vocabSize());
  }

  /**
   * @param hidden [n, d]
   * @param rows the rows of it that ask
   * @param tokens of each of these
   * @return one after the other
   */
  static float[] of(T5 t5, NDArray hidden, long[] rows, List<long[]> tokens) {
    int vocabulary = t5.config().vocabSize();
    long[] index = new long[tokens.stream().mapToInt(of -> of.length).sum()];
    int at = 0;
    for (int row = 0; row < rows.length; row++) {
      for (long token : tokens.get(row)) {
        index[at++] = (long) row * vocabulary + token;
      }
    }
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray some = Ops.gatherRows(hidden, t5.manager().create(rows)); // [M, d]
      NDArray logP = Ops.logSoftmax(t5.logits(some)); // [M, V]
      NDArray column = logP.reshape((long) rows.length * vocabulary, 1);
      return Ops.gatherRows(column, t5.manager().create(index)).toFloatArray();
    }
  }
}
