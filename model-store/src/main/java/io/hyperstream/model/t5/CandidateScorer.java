package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.readout.LabelReadout;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.List;

/**
 * Scores of all labels of a task, differentiable, by the definition serving uses: the sum of the
 * log-probabilities of a label's tokens and the end token under the full-vocabulary softmax, over
 * the label trie in one decoder pass per block.
 */
public final class CandidateScorer implements LabelReadout.Differentiable {
  private final T5 t5;
  private final LabelSpace labels;
  private final int[] column; // label -> its column in the joined blocks
  private final List<float[]> sums = new ArrayList<>(); // per block [edges * labels], 0 or 1

  public CandidateScorer(T5 t5, LabelSpace labels) {
    this.t5 = t5;
    this.labels = labels;
    column = new int[labels.size()];
    int next = 0;
    for (LabelSpace.Block block : labels.blocks()) {
      int n = block.labels().length;
      float[] sum = new float[block.edgeNode().length * n];
      for (int j = 0; j < n; j++) {
        column[block.labels()[j]] = next++;
        for (int edge : block.labelEdges()[j]) {
          sum[edge * n + j] = 1;
        }
      }
      sums.add(sum);
    }
  }

  @Override
  public int labels() {
    return column.length;
  }

  @Override
  public NDArray score(Encoded encoded, AdapterHook adapters) {
    return score(t5.attendTo(encoded), adapters);
  }

  /**
   * @param memory B encoded rows
   * @return [B, L], in the order of the task's labels
   */
  public NDArray score(CrossMemory memory, AdapterHook adapters) {
    NDManager manager = t5.manager();
    List<NDArray> parts = new ArrayList<>();
    for (int i = 0; i < sums.size(); i++) {
      parts.add(block(manager, labels.blocks().get(i), sums.get(i), memory, adapters));
    }
    NDArray joined = parts.size() == 1 ? parts.get(0) : Ops.concat(parts, 1); // [B, L]
    long[] order = new long[column.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = column[i];
    }
    NDArray rows = Ops.gatherRows(Ops.swapAxes(joined, 0, 1), manager.create(order)); // [L, B]
    return Ops.swapAxes(rows, 0, 1);
  }

  private NDArray block(
      NDManager manager,
      LabelSpace.Block block,
      float[] sum,
      CrossMemory memory,
      AdapterHook adapters) {
    int rows = memory.rows();
    int nodes = block.nodes();
    int edges = block.edgeNode().length;
    long vocabulary = t5.config().vocabSize();
    long[] ids = new long[rows * nodes];
    long[] picks = new long[rows * edges];
    for (int row = 0; row < rows; row++) {
      for (int node = 0; node < nodes; node++) {
        ids[row * nodes + node] = block.tokens()[node];
      }
      for (int edge = 0; edge < edges; edge++) {
        picks[row * edges + edge] = block.edgeNode()[edge] * vocabulary + block.edgeToken()[edge];
      }
    }
    NDArray input = manager.create(ids, new Shape(rows, nodes));
    NDArray hidden = t5.decode(input, t5.tree(block.parent()), memory, adapters); // [B, nodes, d]
    NDArray logs = Ops.logSoftmax(t5.logits(hidden)).reshape(rows, nodes * vocabulary);
    NDArray picked = logs.gather(manager.create(picks, new Shape(rows, edges)), 1); // [B, edges]
    int n = block.labels().length;
    return picked.matMul(manager.create(sum, new Shape(edges, n))); // [B, labels of the block]
  }
}
