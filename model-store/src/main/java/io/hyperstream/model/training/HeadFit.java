package io.hyperstream.model.training;

import io.hyperstream.model.prototype.FittedHead;
import io.hyperstream.model.prototype.HeadForm;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.training.FewShotTrainer.Part;
import java.util.Arrays;
import java.util.Set;

/**
 * How a task's label vectors are fitted, and what they count beside the zero-shot scores before any
 * weight is fitted. Scorers in order: zero-shot, then the head's.
 *
 * @param parts what takes part
 * @param pair whether the task compares two texts
 */
record HeadFit(HeadForm form, Set<Part> parts, int labels, boolean pair) {
  /** Start weights of a joint head, chosen on tasks that nothing is measured on. */
  private static final double HEAD = 0.7;

  private static final double ZERO_SHOT = 0.6;
  private static final double ZERO_SHOT_PAIR = 0.43;

  /** Beside the zero-shot scores. */
  int scorers() {
    return form == HeadForm.JOINT ? 1 : 2;
  }

  /** Whether a scorer says anything. */
  boolean counts(int scorer) {
    if (scorer == 0) {
      return parts.contains(Part.DECODER);
    }
    return switch (form) {
      case JOINT -> parts.contains(Part.STATES) || parts.contains(Part.WORDS);
      case SEPARATE -> parts.contains(scorer == 1 ? Part.STATES : Part.WORDS);
    };
  }

  FittedHead fit(float[][] features, LexicalVector[] words, int[] y, int[] rows) {
    return FittedHead.fit(
        form,
        features(features),
        parts.contains(Part.WORDS) ? words : none(words),
        y,
        rows,
        labels);
  }

  private float[][] features(float[][] features) {
    return parts.contains(Part.STATES)
        ? features
        : Arrays.stream(features).map(row -> new float[row.length]).toArray(float[][]::new);
  }

  private static LexicalVector[] none(LexicalVector[] words) {
    LexicalVector[] none = new LexicalVector[words.length];
    Arrays.fill(none, LexicalVector.NONE);
    return none;
  }

  /**
   * The weights that a prior holds the fitted ones to, and that stand where none can be fitted.
   *
   * @param logits [scorers][rows][labels]
   */
  double[] start(double[][][] logits) {
    return switch (form) {
      case JOINT ->
          new double[] {pair ? ZERO_SHOT_PAIR : ZERO_SHOT, HEAD * Math.sqrt(labels / 2.0)};
      case SEPARATE -> Stacking.prior(logits);
    };
  }
}
