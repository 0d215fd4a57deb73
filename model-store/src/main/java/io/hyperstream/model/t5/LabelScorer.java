package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The exact score of every label: the sum of the log-probabilities of its tokens and the end token,
 * full-vocabulary softmax. All labels of all rows take one decoder pass per size class of label
 * tries; a position of a trie attends to its ancestors, at their distance.
 *
 * <p>For the one thread that runs batches.
 */
final class LabelScorer implements AutoCloseable {
  /** Tries are padded to one of these, so that tries of different tasks share a pass. */
  private static final int[] SIZES = {4, 8, 16, 32, 64, 96, LabelSpace.MAX_BLOCK_NODES};

  /** Decoder positions computed in one pass: bounds activations and the attention bias. */
  private static final int MAX_POSITIONS = 8192;

  /** Native memory for attention biases kept between batches. */
  private static final long BIAS_BUDGET = 64 << 20;

  /** One block of labels of one row. */
  private record Unit(int row, LabelSpace.Block block, int size) {}

  private final T5 t5;
  private final LabelSpaces spaces;
  private final long maxLogitsBytes;
  private final Map<LabelSpace.Block, NDArray> biases = new LinkedHashMap<>(64, 0.75f, true);
  private long biasBytes;

  LabelScorer(T5 t5, LabelSpaces spaces, long maxLogitsBytes) {
    this.t5 = t5;
    this.spaces = spaces;
    this.maxLogitsBytes = maxLogitsBytes;
  }

  /**
   * Scores all labels of all rows.
   *
   * @param tasks [rows]
   * @param states the rows' encoder states, no keys and values yet
   * @param adapters of the rows
   * @return [rows][labels] log-probabilities, in the order of each task's labels
   */
  double[][] score(List<TaskDefinition> tasks, CrossMemory states, AdapterHook adapters) {
    List<Unit> units = new ArrayList<>();
    double[][] scores = new double[tasks.size()][];
    for (int i = 0; i < scores.length; i++) {
      LabelSpace space = spaces.of(tasks.get(i));
      scores[i] = new double[space.size()];
      for (LabelSpace.Block block : space.blocks()) {
        units.add(new Unit(i, block, size(block.nodes())));
      }
    }
    // Stable: within a size class the rows stay in the batch's order, sorted by task.
    units.sort(Comparator.comparingInt(Unit::size));
    CrossMemory memory = states;
    int few = t5.fewPositions(memory.sourceLength());
    for (int from = 0; from < units.size(); ) {
      if (units.get(from).size() > few && memory == states) {
        memory = t5.attendTo(memory); // from here on all are large
      }
      int to = passEnd(units, from);
      score(memory, adapters, units.subList(from, to), scores);
      from = to;
    }
    return scores;
  }

  private static int size(int nodes) {
    for (int size : SIZES) {
      if (nodes <= size) {
        return size;
      }
    }
    throw new IllegalArgumentException("a block has at most " + LabelSpace.MAX_BLOCK_NODES);
  }

  /** One pass takes units of one size; with a bias between the stacks, also of one trie. */
  private int passEnd(List<Unit> units, int from) {
    Unit first = units.get(from);
    int most = Math.max(1, MAX_POSITIONS / first.size());
    int to = from + 1;
    while (to < units.size()
        && to - from < most
        && units.get(to).size() == first.size()
        && (!t5.config().crossBias() || units.get(to).block().equals(first.block()))) {
      to++;
    }
    return to;
  }

  private void score(CrossMemory memory, AdapterHook rows, List<Unit> units, double[][] scores) {
    try (NDScope scope = Ops.scope();
        AdapterHook adapters = rows.select(units.stream().mapToInt(Unit::row).toArray())) {
      scope.suppressNotUsedWarning();
      int size = units.get(0).size();
      NDArray ids = ids(units, size); // [P, N]
      CrossMemory asked = memory(memory, units);
      NDArray hidden = t5.decode(ids, layout(units, size), asked, adapters); // [P, N, d]
      float[] edges = edgeLogProbabilities(hidden, units, size);
      int at = 0;
      for (Unit unit : units) {
        LabelSpace.Block block = unit.block();
        for (int l = 0; l < block.labels().length; l++) {
          double sum = 0;
          for (int edge : block.labelEdges()[l]) {
            sum += edges[at + edge];
          }
          scores[unit.row()][block.labels()[l]] = sum;
        }
        at += block.edgeNode().length;
      }
    }
  }

  private NDArray ids(List<Unit> units, int size) {
    long[] ids = new long[units.size() * size];
    Arrays.fill(ids, t5.config().padId());
    for (int p = 0; p < units.size(); p++) {
      int[] tokens = units.get(p).block().tokens();
      for (int n = 0; n < tokens.length; n++) {
        ids[p * size + n] = tokens[n];
      }
    }
    return t5.manager().create(ids, new Shape(units.size(), size));
  }

  /** The encoder's rows the units ask: views where they are the batch's own run of rows. */
  private static CrossMemory memory(CrossMemory memory, List<Unit> units) {
    int[] rows = units.stream().mapToInt(Unit::row).toArray();
    for (int i = 1; i < rows.length; i++) {
      if (rows[i] != rows[0] + i) {
        return memory.select(rows);
      }
    }
    return memory.slice(rows[0], rows[0] + rows.length);
  }

  /** Every unit with the ancestry of its own trie. */
  private DecoderLayout layout(List<Unit> units, int size) {
    List<NDArray> runs = new ArrayList<>();
    for (int from = 0; from < units.size(); ) {
      LabelSpace.Block block = units.get(from).block();
      int to = from + 1;
      while (to < units.size() && units.get(to).block().equals(block)) {
        to++;
      }
      NDArray bias = bias(block, size); // [1, H, N, N]
      boolean all = from == 0 && to == units.size();
      runs.add(all ? bias : bias.broadcast(to - from, t5.config().heads(), size, size));
      from = to;
    }
    NDArray bias = runs.size() == 1 ? runs.get(0) : Ops.concat(runs, 0);
    return new DecoderLayout(Arrays.copyOf(units.get(0).block().depth(), size), bias);
  }

  private NDArray bias(LabelSpace.Block block, int size) {
    NDArray known = biases.get(block);
    if (known != null) {
      return known;
    }
    int[] parents = Arrays.copyOf(block.parent(), size);
    Arrays.fill(parents, block.nodes(), size, -1); // padding sees itself only
    NDArray made = Ops.keep(t5.tree(parents).selfBias());
    biases.put(block, made);
    biasBytes += bytes(made);
    return made;
  }

  /** Call it after a batch: frees what was used longest ago. */
  void trim() {
    var eldest = biases.entrySet().iterator();
    while (biasBytes > BIAS_BUDGET && eldest.hasNext()) {
      NDArray bias = eldest.next().getValue();
      biasBytes -= bytes(bias);
      eldest.remove();
      bias.close();
    }
  }

  private static long bytes(NDArray array) {
    return array.getShape().size() * Float.BYTES;
  }

  /**
   * The log-probability of every edge of every unit. Vocabulary scores are made for a few positions
   * at a time: for all of them they would be the largest array by far.
   */
  private float[] edgeLogProbabilities(NDArray hidden, List<Unit> units, int size) {
    long width = hidden.getShape().get(2);
    NDArray flat = hidden.reshape((long) units.size() * size, width); // [P N, d]
    int vocabulary = t5.config().vocabSize();
    int step = (int) Math.max(1, maxLogitsBytes / Float.BYTES / vocabulary);
    EdgeWalk walk = new EdgeWalk(units, size);
    float[] out = new float[walk.edges()];
    for (int from = 0; from < walk.positions(); from += step) {
      int to = Math.min(walk.positions(), from + step);
      try (NDScope scope = Ops.scope()) {
        scope.suppressNotUsedWarning();
        NDArray some = Ops.gatherRows(flat, t5.manager().create(walk.rows(from, to))); // [M, d]
        NDArray logP = Ops.logSoftmax(t5.logits(some)); // [M, V]
        long[] index = walk.edgeIndex(from, to, vocabulary);
        NDArray column = logP.reshape((long) (to - from) * vocabulary, 1);
        float[] values = Ops.gatherRows(column, t5.manager().create(index)).toFloatArray();
        walk.put(from, to, values, out);
      }
    }
    return out;
  }

  /** Real positions of all units one after the other, and the edges that start from each. */
  private static final class EdgeWalk {
    private final long[] row; // position -> row of the flattened hidden states
    private final int[] firstEdge; // position -> index into edges, with a sentinel
    private final int[] token; // by position
    private final int[] place; // by position -> place in the units' own order

    EdgeWalk(List<Unit> units, int size) {
      int positions = units.stream().mapToInt(u -> u.block().nodes()).sum();
      int edges = units.stream().mapToInt(u -> u.block().edgeNode().length).sum();
      row = new long[positions];
      firstEdge = new int[positions + 1];
      token = new int[edges];
      place = new int[edges];
      int position = 0;
      int edge = 0;
      int before = 0;
      for (int p = 0; p < units.size(); p++) {
        LabelSpace.Block block = units.get(p).block();
        int[][] ofNode = edgesByNode(block);
        for (int node = 0; node < block.nodes(); node++) {
          row[position] = (long) p * size + node;
          firstEdge[position++] = edge;
          for (int e : ofNode[node]) {
            token[edge] = block.edgeToken()[e];
            place[edge++] = before + e;
          }
        }
        before += block.edgeNode().length;
      }
      firstEdge[position] = edge;
    }

    private static int[][] edgesByNode(LabelSpace.Block block) {
      int[] count = new int[block.nodes()];
      for (int node : block.edgeNode()) {
        count[node]++;
      }
      int[][] out = new int[count.length][];
      for (int node = 0; node < out.length; node++) {
        out[node] = new int[count[node]];
      }
      for (int e = block.edgeNode().length - 1; e >= 0; e--) {
        int node = block.edgeNode()[e];
        out[node][--count[node]] = e;
      }
      return out;
    }

    int positions() {
      return row.length;
    }

    int edges() {
      return token.length;
    }

    long[] rows(int from, int to) {
      return Arrays.copyOfRange(row, from, to);
    }

    /** Index of each edge's token in the flattened [M, V] of positions {@code [from, to)}. */
    long[] edgeIndex(int from, int to, int vocabulary) {
      long[] index = new long[firstEdge[to] - firstEdge[from]];
      for (int position = from, i = 0; position < to; position++) {
        for (int e = firstEdge[position]; e < firstEdge[position + 1]; e++) {
          index[i++] = (long) (position - from) * vocabulary + token[e];
        }
      }
      return index;
    }

    void put(int from, int to, float[] values, float[] out) {
      for (int i = 0, e = firstEdge[from]; e < firstEdge[to]; i++, e++) {
        out[place[e]] = values[i];
      }
    }
  }

  @Override
  public void close() {
    biases.values().forEach(NDArray::close);
    biases.clear();
    biasBytes = 0;
  }
}
