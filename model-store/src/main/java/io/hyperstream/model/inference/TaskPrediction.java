package io.hyperstream.model.inference;

import io.hyperstream.model.task.TaskKind;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The answer for one row.
 *
 * @param label the best label's name, for CLASSIFICATION; empty if the task abstains
 * @param value the number, for REGRESSION
 * @param text the decoded text, for GENERATION and REGRESSION
 * @param score probability of the best label, or of the decoded text
 * @param distribution probabilities in the order of the task's labels, summing to 1; empty
 *     otherwise
 * @param adapterVersion which version answered
 * @param taught whether that version learnt from labelled examples
 * @param truncated whether the input was cut
 * @param approximate whether an approximate score was used (opt-in)
 * @param outOfScope how unlike the task's examples the text is, 0 to 1 ({@link
 *     io.hyperstream.model.prototype.Scope}); empty if the version cannot tell
 * @param abstained why a classification has no label; empty if it has one
 */
public record TaskPrediction(
    TaskKind kind,
    Optional<String> label,
    OptionalDouble value,
    Optional<String> text,
    float score,
    float[] distribution,
    long adapterVersion,
    boolean taught,
    boolean truncated,
    boolean approximate,
    OptionalDouble outOfScope,
    Optional<String> abstained)
    implements RowResult {

  /** The best probability minus the second; empty unless there is a distribution. */
  public OptionalDouble margin() {
    float second = 0;
    boolean best = false; // the best one is left out once
    for (float probability : distribution) {
      if (probability == score && !best) {
        best = true;
      } else {
        second = Math.max(second, probability);
      }
    }
    return best ? OptionalDouble.of(score - second) : OptionalDouble.empty();
  }
}
