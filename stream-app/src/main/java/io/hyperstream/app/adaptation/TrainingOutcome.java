package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotTrial.Gain;
import io.hyperstream.schemas.AdapterVersion;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The outcome of a {@link TrainingJob}. Immutable.
 *
 * @param tested for each untested example of the job, whether the champion was right; empty if it
 *     was not asked
 * @param vectors of the job's examples, to be kept with them: those it did not have
 */
public record TrainingOutcome(
    String taskId,
    String jobId,
    List<Boolean> tested,
    Map<Example, StoredVector> vectors,
    Result result) {

  public TrainingOutcome {
    tested = List.copyOf(tested);
    vectors = Map.copyOf(vectors);
  }

  /** Without vectors. */
  TrainingOutcome(String taskId, String jobId, List<Boolean> tested, Result result) {
    this(taskId, jobId, tested, Map.of(), result);
  }

  /** How it ended. */
  public sealed interface Result {}

  /** The examples are tested; no more was asked. */
  public record Tested() implements Result {}

  /**
   * A challenger was trained, or none could be, and judged on the same examples as the champion.
   *
   * @param candidate what would be published: form, embedding, prototypes and weights (or where
   *     they lie: in the model store before this outcome is given) count; whoever publishes it sets
   *     the rest. Empty if nothing usable came of the examples
   * @param reason why there is no candidate, or what there is to say about it; a sentence
   * @param before the champion's metrics by name; log_loss is of its calibrated probabilities
   * @param after the challenger's on the same examples; empty without one
   * @param gain how much less log loss it has, per judged example
   * @param probabilityBetter that the challenger is better, 0 to 1; empty if it could not be judged
   * @param judged how many examples decided
   * @param heldOutTrained whether the candidate learnt from the held-out examples too (it was
   *     judged by cross-validation)
   * @param start where training started: a known task's name, generic, or the mean of all
   */
  public record Judged(
      Optional<AdapterVersion> candidate,
      String reason,
      Map<String, Double> before,
      Map<String, Double> after,
      Gain gain,
      OptionalDouble probabilityBetter,
      int judged,
      boolean heldOutTrained,
      Optional<String> start)
      implements Result {

    public Judged {
      before = Map.copyOf(before);
      after = Map.copyOf(after);
    }
  }

  /**
   * It went wrong; the same job may go right later.
   *
   * @param reason a sentence a person can act on
   */
  public record Failed(String reason) implements Result {}
}
