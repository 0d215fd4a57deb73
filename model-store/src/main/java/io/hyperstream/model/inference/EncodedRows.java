package io.hyperstream.model.inference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.t5.CrossMemory;
import io.hyperstream.model.t5.T5;
import java.util.Arrays;
import java.util.List;

/**
 * Rows that went through the encoder together. Lives in the scope it was made in.
 *
 * @param rows in the order of the memory's rows, those of one task side by side
 * @param memory the encoder's states, no keys and values yet
 * @param pooled [rows][d] encoder states averaged over the tokens; empty if no row needs them
 */
record EncodedRows(List<TaskRow> rows, CrossMemory memory, float[][] pooled) {
  private static final float[][] NOT_POOLED = {};

  /** Lengths are rounded up to this, so that few shapes occur. */
  private static final int LENGTH_STEP = 2;

  /** Padded length of a batch whose longest row has so many tokens. */
  static int paddedLength(int longest) {
    return (longest + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
  }

  /** Runs the encoder; every row with its own task's adapters. */
  static EncodedRows encode(T5 t5, List<TaskRow> rows) {
    int longest = rows.stream().mapToInt(row -> row.row().inputIds().length).max().orElseThrow();
    int length = paddedLength(longest);
    long[] ids = new long[rows.size() * length];
    float[] mask = new float[ids.length];
    int padId = t5.config().padId();
    for (int i = 0; i < rows.size(); i++) {
      int[] tokens = rows.get(i).row().inputIds();
      for (int j = 0; j < length; j++) {
        boolean token = j < tokens.length;
        ids[i * length + j] = token ? tokens[j] : padId;
        mask[i * length + j] = token ? 1 : 0;
      }
    }
    Shape shape = new Shape(rows.size(), length);
    NDArray maskArray = t5.manager().create(mask, shape); // [B, S]
    try (BatchAdapters adapters = adapters(rows)) {
      NDArray encoded =
          t5.encode(t5.manager().create(ids, shape), maskArray, adapters); // [B, S, d]
      float[][] pooled =
          rows.stream().anyMatch(TaskRow::hasHead) ? pooled(encoded, maskArray) : NOT_POOLED;
      return new EncodedRows(rows, t5.remember(encoded, maskArray), pooled);
    }
  }

  private static float[][] pooled(NDArray encoded, NDArray mask) {
    NDArray pooled = T5.pool(encoded, mask); // [B, d]
    int width = (int) pooled.getShape().get(1);
    float[] all = pooled.toFloatArray();
    float[][] out = new float[all.length / width][];
    Arrays.setAll(out, row -> Arrays.copyOfRange(all, row * width, (row + 1) * width));
    return out;
  }

  /** The rows {@code [from, to)}. */
  EncodedRows slice(int from, int to) {
    return new EncodedRows(
        rows.subList(from, to),
        memory.slice(from, to),
        pooled.length == 0 ? NOT_POOLED : Arrays.copyOfRange(pooled, from, to));
  }

  /** Each row's adapters, for the decoder; to be closed. */
  BatchAdapters adapters() {
    return adapters(rows);
  }

  static BatchAdapters adapters(List<TaskRow> rows) {
    return BatchAdapters.of(rows.stream().map(TaskRow::weights).toList());
  }
}
