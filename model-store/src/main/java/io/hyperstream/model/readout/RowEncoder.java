package io.hyperstream.model.readout;

import io.hyperstream.model.backbone.Encoded;
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

  /** What is kept of each sequence's states: [B][..]. */
  float[][] pool(Encoded encoded);

  /**
   * All that is kept of a row.
   *
   * @param pooled of each of its sequences, in their order
   */
  float[] vector(RowInput input, float[][] pooled);

  /** The part of a row's vector that label vectors are fitted over; not to be changed. */
  float[] features(float[] vector);

  /**
   * A single text's embedding out of its row's vector, of length 1: what the model was made for.
   */
  float[] embedding(float[] vector);

  /** How many features a row has: of one text, and of two if that differs. */
  List<Integer> widths();

  /**
   * What a row's vector depends on beside the model, the task and the text: settings, and the
   * layout of the vector. Vectors kept under other settings are of no use.
   */
  String settings();

  /** Longest sequence, special tokens included. */
  int maxTokens();
}
