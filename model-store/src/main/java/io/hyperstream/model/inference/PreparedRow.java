package io.hyperstream.model.inference;

import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.task.TaskDefinition;
import java.util.function.Supplier;

/**
 * One text ready for a batch. Immutable; made by {@link Predictor#prepare}.
 *
 * @param inputIds token ids, end token included, no padding; not to be changed
 * @param truncated whether the text was cut to fit
 * @param words the text's lexical features, for adapters with label vectors; the same at each call
 */
public record PreparedRow(
    TaskDefinition task,
    TaskAdapter adapter,
    int[] inputIds,
    boolean truncated,
    Supplier<LexicalVector> words) {

  /** A row of which no words are known. */
  public PreparedRow(TaskDefinition task, TaskAdapter adapter, int[] inputIds, boolean truncated) {
    this(task, adapter, inputIds, truncated, () -> LexicalVector.NONE);
  }

  /** The same text with other adapters of its task. */
  public PreparedRow with(TaskAdapter other) {
    return new PreparedRow(task, other, inputIds, truncated, words);
  }
}
