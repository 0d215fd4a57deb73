package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.TokenSequence;
import java.util.Arrays;
import java.util.List;

/**
 * Rows to learn from, of one task or several. Sort them by task: runs of one task are computed
 * together.
 *
 * @param tasks [B] each row's task
 * @param adapters [B] the task each row has the adapters of
 * @param inputs [B] special tokens included, without padding
 * @param targets [B][..] token ids, end token included, or a label's index; empty where only inputs
 *     matter
 * @param seed of all that is random about it, dropout aside
 */
record TrainingBatch(
    List<String> tasks,
    List<String> adapters,
    List<TokenSequence> inputs,
    int[][] targets,
    long seed) {
  static final int PAD = 0;

  TrainingBatch {
    tasks = List.copyOf(tasks);
    adapters = List.copyOf(adapters);
    inputs = List.copyOf(inputs);
    if (tasks.isEmpty()
        || tasks.size() != adapters.size()
        || tasks.size() != inputs.size()
        || tasks.size() != targets.length) {
      throw new IllegalArgumentException(
          "a batch needs one task, adapter, input and target per row; got "
              + tasks.size()
              + ", "
              + adapters.size()
              + ", "
              + inputs.size()
              + " and "
              + targets.length);
    }
  }

  /** Single texts, each with its own task's adapters. */
  TrainingBatch(List<String> tasks, int[][] inputs, int[][] targets) {
    this(tasks, tasks, Arrays.stream(inputs).map(TokenSequence::new).toList(), targets, 0);
  }

  /** [B][..] token ids of the inputs. */
  int[][] ids() {
    return inputs.stream().map(TokenSequence::ids).toArray(int[][]::new);
  }

  int rows() {
    return tasks.size();
  }

  /** Source and target tokens. */
  long tokens() {
    long tokens = 0;
    for (int i = 0; i < rows(); i++) {
      tokens += inputs.get(i).length() + targets[i].length;
    }
    return tokens;
  }

  /** [B, S] int64, padded. */
  static NDArray padded(NDManager manager, int[][] rows) {
    int width = width(rows);
    long[] flat = new long[rows.length * width];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < rows[i].length; j++) {
        flat[i * width + j] = rows[i][j];
      }
    }
    return manager.create(flat, new Shape(rows.length, width));
  }

  /** [B, S] float32: 1 for a token, 0 for padding, which in a target may also be written out. */
  static NDArray mask(NDManager manager, int[][] rows, boolean target) {
    int width = width(rows);
    float[] flat = new float[rows.length * width];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < rows[i].length; j++) {
        flat[i * width + j] = target && rows[i][j] == PAD ? 0 : 1;
      }
    }
    return manager.create(flat, new Shape(rows.length, width));
  }

  private static int width(int[][] rows) {
    int width = 1;
    for (int[] row : rows) {
      width = Math.max(width, row.length);
    }
    return width;
  }

  /** What the decoder reads: the target moved right by one, the start token before it. */
  static int[][] shifted(int[][] targets, int startId) {
    int[][] out = new int[targets.length][];
    for (int i = 0; i < targets.length; i++) {
      out[i] = new int[Math.max(1, targets[i].length)];
      out[i][0] = startId;
      System.arraycopy(targets[i], 0, out[i], 1, out[i].length - 1);
    }
    return out;
  }
}
