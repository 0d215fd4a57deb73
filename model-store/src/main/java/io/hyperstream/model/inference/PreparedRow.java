package io.hyperstream.model.inference;

import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.task.TaskDefinition;
import java.util.function.Supplier;

/**
 * One text ready for a batch. Immutable; made by {@link Predictor#prepare}.
 *
 * @param input what the encoder reads
 * @param words the text's lexical features, for adapters with label vectors; the same at each call
 */
public record PreparedRow(
    TaskDefinition task, TaskAdapter adapter, RowInput input, Supplier<LexicalVector> words) {
  /** A row of one sequence of which no words are known. */
  public PreparedRow(TaskDefinition task, TaskAdapter adapter, int[] inputIds, boolean truncated) {
    this(
        task,
        adapter,
        RowInput.of(new TokenSequence(inputIds), truncated, false),
        () -> LexicalVector.NONE);
  }

  /** Token ids of the first sequence; not to be changed. */
  public int[] inputIds() {
    return input.parts().get(0).get(0).ids();
  }

  /** Tokens the encoder reads for it. */
  public int tokens() {
    return input.tokens();
  }

  /** The same text with other adapters of its task. */
  public PreparedRow with(TaskAdapter other) {
    return new PreparedRow(task, other, input, words);
  }
}
