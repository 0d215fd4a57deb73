package io.hyperstream.model.readout;

import io.hyperstream.model.backbone.Pooling;
import io.hyperstream.model.task.TaskDefinition;
import java.util.List;
import java.util.Optional;

/** Turns a task's text into token sequences, and their vectors into one. Any thread. */
public interface RowEncoder {
  /**
   * Renders and tokenises a text.
   *
   * @param textPair the second text, where the task compares two
   */
  RowInput encode(TaskDefinition task, String text, Optional<String> textPair);

  /** How a sequence's states become a vector. */
  Pooling pooling();

  /**
   * The row's vector, which label vectors are fitted over.
   *
   * @param pooled one per sequence of the row, in their order
   */
  float[] vector(RowInput input, float[][] pooled);

  /** How many numbers a row's vector has: of one text, and of two if that differs. */
  List<Integer> widths();

  /** Longest sequence, special tokens included. */
  int maxTokens();
}
