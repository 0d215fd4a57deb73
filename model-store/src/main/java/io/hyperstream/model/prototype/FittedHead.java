package io.hyperstream.model.prototype;

import java.util.List;
import java.util.Optional;

/** Label vectors fitted to some rows. Immutable. */
public interface FittedHead {
  /** Scorers beside the zero-shot scores. */
  int scorers();

  /**
   * A row's logits: [scorers][labels].
   *
   * @param features the row's vector
   */
  double[][] logits(float[] features, LexicalVector words);

  /** How like the rows that were learnt from a row is, as {@link Scope} has it. */
  double similarity(float[] features);

  /**
   * What is published and served.
   *
   * @param labels names, in the order the vectors were fitted for
   * @param weights [1 + scorers] of the zero-shot scores and each scorer
   * @param scope how like the rows others have to be, if that is known
   */
  LabelHead labelHead(List<String> labels, double[] weights, Optional<Scope> scope);

  /** Fits label vectors as a form has it. */
  static FittedHead fit(
      HeadForm form, float[][] features, LexicalVector[] words, int[] y, int[] rows, int labels) {
    return switch (form) {
      case SEPARATE -> Prototypes.fit(features, words, y, rows, labels);
      case JOINT -> JointHead.fit(features, words, y, rows, labels);
    };
  }
}
