package io.hyperstream.model.inference;

import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.task.TaskDefinition;
import java.util.List;
import java.util.Optional;

/** Texts of any mix of tasks in, predictions out. {@code MultiTaskModel} is the real one. */
public interface Predictor {

  /** Fingerprint of backbone and hypernetwork; adapter versions of another one do not apply. */
  String modelId();

  /**
   * What serves a task of this model before any version is published: the mean embedding of the
   * source tasks in {@code initFrom}, else that of the source task of the same name, else the mean
   * of all source tasks. Version 0. Any thread.
   *
   * @throws InferenceException INVALID_TASK if {@code initFrom} names a task the model does not
   *     know
   */
  TaskAdapter startingAdapter(TaskDefinition task);

  /**
   * Refuses a task this model cannot answer: of a kind it has no readout for, with labels it cannot
   * tell apart, or started from a task it does not know. Any thread, no device work.
   *
   * @throws InferenceException INVALID_TASK in a sentence to act on
   */
  void check(TaskDefinition task);

  /**
   * Tries a version before it is served: its embedding, its weights file (shapes, finite numbers)
   * and its label vectors. Any thread; takes as long as making its weights.
   *
   * @throws InferenceException INVALID_TASK if this model can never apply it
   * @throws java.io.UncheckedIOException if its file cannot be read
   */
  void check(TaskAdapter adapter);

  /**
   * Renders, tokenises and checks one text. Any thread, no device work.
   *
   * @throws InferenceException if the text can never be answered
   */
  PreparedRow prepare(
      TaskDefinition task, TaskAdapter adapter, String text, Optional<String> textPair);

  /** What went through the encoder so far; any thread. */
  default TokenCounts tokenCounts() {
    return TokenCounts.NONE;
  }

  /**
   * Answers a batch, rows in any order and of any mix of tasks; results in the rows' order. A row
   * that can never be answered comes back as a {@link RowFailure} and leaves the others alone. One
   * thread at a time per instance: the engine's worker.
   *
   * @throws MissingWeightsException if the weights of some of its rows are not where they were
   * @throws RuntimeException if the batch as a whole failed (device error, out of memory)
   */
  List<RowResult> predict(List<PreparedRow> rows);
}
