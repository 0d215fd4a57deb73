package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;

/**
 * Rows to learn from, of one task or several. Sort them by task: runs of one task are computed
 * together.
 *
 * @param tasks [B] each row's task
 * @param inputs [B][..] token ids, end token included, without padding
 * @param targets [B][..] token ids, end token included; empty where only inputs matter
 */
record TrainingBatch(List<String> tasks, int[][] inputs, int[][] targets) {
  static final int PAD = 0;

  TrainingBatch {
    tasks = List.copyOf(tasks);
    if (tasks.isEmpty() || tasks.size() != inputs.length || tasks.size() != targets.length) {
      throw new IllegalArgumentException(
          "a batch needs one task, input and target per row; got "
              + tasks.size()
              + ", "
              + inputs.length
              + " and "
              + targets.length);
    }
  }

  int rows() {
    return tasks.size();
  }

  /** Source and target tokens. */
  long tokens() {
    long tokens = 0;
    for (int i = 0; i < rows(); i++) {
      tokens += inputs[i].length + targets[i].length;
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
