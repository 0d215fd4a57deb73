package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Decodes the most probable token at each step. */
final class GreedySearch {
  private GreedySearch() {}

  static List<Generated> run(
      T5 model, CrossMemory memory, AdapterHook adapters, GenerationOptions options) {
    T5Config config = model.config();
    int rows = memory.rows();
    int[][] tokens = new int[rows][options.maxLength()];
    int[] length = new int[rows];
    boolean[] done = new boolean[rows];
    double[] sum = new double[rows];
    int[] last = new int[rows];
    Arrays.fill(last, config.decoderStartId());
    for (int row = 0; row < rows; row++) {
      tokens[row][length[row]++] = last[row];
    }
    int open = rows;
    try (KeyValueCache cache = model.newCache()) {
      for (int position = 1; position < options.maxLength() && open > 0; position++) {
        long[] best;
        float[] logProbability;
        try (NDScope step = Ops.scope()) {
          step.suppressNotUsedWarning();
          NDArray ids = Indices.column(model.manager(), last);
          NDArray hidden = Ops.select(model.step(ids, cache, memory, adapters), 1, 0); // [B, d]
          NDArray logProbabilities = Ops.logSoftmax(model.logits(hidden)); // [B, V]
          NDArray winner = Ops.argMax(logProbabilities); // [B]
          best = winner.toLongArray();
          logProbability = Ops.pickLast(logProbabilities, winner).toFloatArray();
        }
        for (int row = 0; row < rows; row++) {
          if (done[row]) {
            last[row] = config.padId();
            continue;
          }
          last[row] = (int) best[row];
          tokens[row][length[row]++] = last[row];
          sum[row] += logProbability[row];
          if (last[row] == config.eosId()) {
            done[row] = true;
            open--;
          }
        }
      }
    }
    List<Generated> out = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      out.add(new Generated(Arrays.copyOf(tokens[row], length[row]), sum[row]));
    }
    return out;
  }
}
