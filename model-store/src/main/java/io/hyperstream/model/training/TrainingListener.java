package io.hyperstream.model.training;

import java.util.Map;

/** Is told how training goes, on the training thread. */
public interface TrainingListener {
  /** Tells nobody. */
  TrainingListener NONE = new TrainingListener() {};

  /**
   * After each step.
   *
   * @param loss of the step, per target token
   * @param gradientNorm before clipping
   * @param tokensPerSecond source and target tokens of this step over its time
   */
  record Step(
      int step, int steps, double loss, double gradientNorm, double rate, double tokensPerSecond) {}

  /**
   * After each evaluation.
   *
   * @param metrics by task and metric
   * @param average over the tasks, of the mean of each task's metrics
   * @param best whether this is the best so far
   */
  record Evaluation(
      int step, Map<String, Map<String, Double>> metrics, double average, boolean best) {}

  default void stepped(Step step) {}

  default void evaluated(Evaluation evaluation) {}

  /** Asked before each step: true saves the state and ends this start of the run. */
  default boolean stopRequested() {
    return false;
  }
}
