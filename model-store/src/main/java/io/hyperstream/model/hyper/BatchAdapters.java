package io.hyperstream.model.hyper;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.RowAdapters;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.tensor.Activation;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Applies each row's adapters to a batch of many tasks. The encoder's kernels take them as data
 * ({@link #forKernels}); the decoder, and whatever records gradients, applies them here. Sort the
 * rows by task: a run of at least {@value #SEGMENT_ROWS} rows of one task is computed as a slice of
 * its own; shorter runs together by gathering their weights into one batched product. Without any
 * adapters it does nothing.
 *
 * <p>One thread. Gathered decoder weights are kept from step to step; closing frees them. The
 * {@link AdapterWeights} must stay open meanwhile and belong to the caller.
 */
public final class BatchAdapters implements AdapterHook {
  /** From here on one task's rows are worth a matrix product of their own. */
  static final int SEGMENT_ROWS = 4;

  private final List<AdapterWeights> rows;
  private final List<Block> blocks;
  private final List<BatchAdapters> derived = new ArrayList<>();

  private BatchAdapters(List<AdapterWeights> rows) {
    this.rows = rows;
    this.blocks = blocks(rows);
  }

  /**
   * The adapters of a batch.
   *
   * @param rows one per row, {@link AdapterWeights#NONE} for the bare backbone
   */
  public static BatchAdapters of(List<AdapterWeights> rows) {
    return new BatchAdapters(List.copyOf(rows));
  }

  /** The rows {@code [from, to)}; closed with this. */
  @Override
  public BatchAdapters slice(int from, int to) {
    return derive(rows.subList(from, to));
  }

  @Override
  public BatchAdapters expand(int times) {
    List<AdapterWeights> repeated = new ArrayList<>();
    for (AdapterWeights row : rows) {
      for (int i = 0; i < times; i++) {
        repeated.add(row);
      }
    }
    return derive(List.copyOf(repeated));
  }

  @Override
  public BatchAdapters select(int[] which) {
    List<AdapterWeights> selected = new ArrayList<>();
    for (int row : which) {
      selected.add(rows.get(row));
    }
    return derive(List.copyOf(selected));
  }

  @Override
  public Optional<RowAdapters> forKernels() {
    IdentityHashMap<AdapterWeights, Integer> places = new IdentityHashMap<>();
    List<List<NDArray>> distinct = new ArrayList<>();
    int[] ofRow = new int[rows.size()];
    Activation activation = Activation.LINEAR;
    int firstLayer = 0;
    for (int row = 0; row < ofRow.length; row++) {
      AdapterWeights weights = rows.get(row);
      if (weights == AdapterWeights.NONE) {
        ofRow[row] = -1;
      } else if (!places.containsKey(weights)) {
        Optional<FoldedAdapters> folded = weights.folded();
        if (folded.isEmpty()) {
          return Optional.empty();
        }
        ofRow[row] = distinct.size();
        places.put(weights, distinct.size());
        distinct.add(folded.get().tensors());
        activation = weights.activation();
        firstLayer = weights.firstLayer();
      } else {
        ofRow[row] = places.get(weights);
      }
    }
    return Optional.of(
        distinct.isEmpty()
            ? RowAdapters.NONE
            : new RowAdapters(distinct, ofRow, activation.configName(), firstLayer));
  }

  @Override
  public int firstLayer() {
    return rows.stream()
        .filter(row -> row != AdapterWeights.NONE)
        .mapToInt(AdapterWeights::firstLayer)
        .min()
        .orElse(0);
  }

  @Override
  public Object key(int row) {
    return rows.get(row);
  }

  private BatchAdapters derive(List<AdapterWeights> of) {
    BatchAdapters batch = new BatchAdapters(of);
    derived.add(batch);
    return batch;
  }

  @Override
  public NDArray apply(NDArray y, Stack stack, int layer, Position position) {
    if (y.getShape().get(0) != rows.size()) {
      throw new IllegalArgumentException(
          "adapters of " + rows.size() + " rows applied to a batch of " + y.getShape().get(0));
    }
    if (Ops.recording()) {
      List<NDArray> parts = new ArrayList<>();
      for (Block block : blocks) {
        NDArray part = block.of(y);
        parts.add(
            !block.has(stack, layer) ? part : part.add(block.delta(part, stack, layer, position)));
      }
      return parts.size() == 1 ? parts.get(0) : Ops.concat(parts, 0);
    }
    for (Block block : blocks) {
      if (block.has(stack, layer)) {
        NDArray part = block.of(y); // a view: adding to it changes y
        Ops.addInPlace(part, block.delta(part, stack, layer, position));
      }
    }
    return y;
  }

  @Override
  public void close() {
    derived.forEach(BatchAdapters::close);
    derived.clear();
    blocks.forEach(Block::close);
  }

  /** Runs of equal weights; short neighbours become one block. */
  private static List<Block> blocks(List<AdapterWeights> rows) {
    List<Block> blocks = new ArrayList<>();
    int open = 0; // first row of the short runs gathered so far
    int from = 0;
    while (from < rows.size()) {
      int to = from + 1;
      while (to < rows.size() && rows.get(to) == rows.get(from)) {
        to++;
      }
      if (to - from >= SEGMENT_ROWS || rows.get(from) == AdapterWeights.NONE) {
        if (open < from) {
          blocks.add(new Block(rows, open, from));
        }
        blocks.add(new Block(rows, from, to));
        open = to;
      }
      from = to;
    }
    if (open < rows.size()) {
      blocks.add(new Block(rows, open, rows.size()));
    }
    return blocks;
  }

  /** Consecutive rows computed together: of one task, or of several with gathered weights. */
  private static final class Block {
    private final List<AdapterWeights> rows;
    private final int from;
    private final boolean whole;
    private final boolean oneTask;
    private final Map<Long, Adapter> gathered = new HashMap<>();
    private final List<NDArray> kept = new ArrayList<>();
    private Adapter.Norm identity;

    Block(List<AdapterWeights> all, int from, int to) {
      this.from = from;
      rows = all.subList(from, to);
      whole = rows.size() == all.size();
      oneTask = rows.stream().allMatch(row -> row == rows.get(0));
    }

    boolean has(Stack stack, int layer) {
      return rows.get(0).has(stack, layer);
    }

    /** This block's rows of [B, N, d]. */
    NDArray of(NDArray y) {
      return whole ? y : Ops.slice(y, 0, from, from + (long) rows.size());
    }

    NDArray delta(NDArray y, Stack stack, int layer, Position position) {
      AdapterWeights first = rows.get(0);
      if (oneTask) {
        return first.at(stack, layer, position).delta(y, first.activation());
      }
      Adapter perRow = perRow(stack, layer, position);
      if (identity == null) {
        identity = identity(y);
      }
      return perRow.deltaPerRow(y, first.activation(), identity);
    }

    private Adapter.Norm identity(NDArray y) {
      Shape width = new Shape(y.getShape().get(2));
      NDArray ones = keep(y.getManager().ones(width));
      return new Adapter.Norm(ones, keep(y.getManager().zeros(width)));
    }

    /** The encoder runs once per batch; the decoder's are used at every step. */
    private Adapter perRow(Stack stack, int layer, Position position) {
      if (stack == Stack.ENCODER || Ops.recording()) {
        return gather(stack, layer, position);
      }
      long key = (long) layer * Position.COUNT + position.index();
      Adapter adapter = gathered.get(key);
      if (adapter == null) {
        adapter = gather(stack, layer, position).map(this::keep);
        gathered.put(key, adapter);
      }
      return adapter;
    }

    private Adapter gather(Stack stack, int layer, Position position) {
      List<Adapter> adapters = rows.stream().map(row -> row.at(stack, layer, position)).toList();
      return new Adapter(
          stack(adapters, Adapter::down),
          vectors(adapters, Adapter::downBias),
          stack(adapters, Adapter::up),
          vectors(adapters, Adapter::upBias),
          norm(adapters, Adapter::pre),
          norm(adapters, Adapter::post));
    }

    private static Adapter.Norm norm(List<Adapter> adapters, Function<Adapter, Adapter.Norm> norm) {
      return norm.apply(adapters.get(0)) == null
          ? null
          : new Adapter.Norm(
              vectors(adapters, a -> norm.apply(a).weight()),
              vectors(adapters, a -> norm.apply(a).bias()));
    }

    private static NDArray stack(List<Adapter> adapters, Function<Adapter, NDArray> part) {
      return Ops.stack(adapters.stream().map(part).toList(), 0);
    }

    /** [n, 1, width]. */
    private static NDArray vectors(List<Adapter> adapters, Function<Adapter, NDArray> part) {
      NDArray stacked = stack(adapters, part);
      return stacked.reshape(stacked.getShape().get(0), 1, stacked.getShape().get(1));
    }

    private NDArray keep(NDArray array) {
      if (!Ops.recording()) {
        kept.add(Ops.keep(array));
      }
      return array;
    }

    void close() {
      kept.forEach(NDArray::close);
      kept.clear();
      gathered.clear();
      identity = null;
    }
  }
}
