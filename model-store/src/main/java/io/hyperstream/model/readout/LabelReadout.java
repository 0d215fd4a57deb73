package io.hyperstream.model.readout;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import java.util.Optional;

/**
 * How labels are scored without any example. {@link #check} may be called from any thread, the rest
 * from one at a time.
 */
public interface LabelReadout extends AutoCloseable {
  /**
   * Refuses labels this model cannot tell apart.
   *
   * @throws IllegalArgumentException in a sentence that names the label
   */
  void check(TaskDefinition task);

  /** Whether {@link #score} reads {@link ReadoutBatch#vectors}. */
  boolean needsVectors();

  /**
   * The log-score of every label of every row.
   *
   * @param scoring of all rows, whatever their tasks say
   * @return [rows][labels] in the order of each task's labels; minus infinity where a label was cut
   *     off
   */
  double[][] score(ReadoutBatch batch, LabelScoring scoring);

  /**
   * The same scores as part of a gradient graph, for rows of one sequence each.
   *
   * @param pairs whether these rows have two texts
   */
  Differentiable differentiable(TaskDefinition task, boolean pairs);

  /** The vectors behind these scores; empty if labels are not scored by vectors. */
  default Optional<LabelVectors> vectors(TaskDefinition task, boolean pairs) {
    return Optional.empty();
  }

  /** A task's scores for training. */
  interface Differentiable {
    int labels();

    /** [B, L], in the order of the task's labels. */
    NDArray score(Encoded encoded, AdapterHook adapters);
  }

  /** Call it after a batch: frees what was used longest ago. */
  default void trim() {}

  @Override
  void close();
}
