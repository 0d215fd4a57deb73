package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Workers;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Runs an encoder's kernels over the tokens of a batch: none of padding (but for attention), equal
 * sequences with equal adapters once, in parts that stay in a core's cache, the parts side by side.
 * Without gradients. Any thread.
 */
public final class PackedEncoder {
  /** On a CPU about so many tokens go through all layers together. */
  private static final int PART_TOKENS = 512;

  /** Parts are not made smaller than this for the sake of idle workers. */
  private static final int LEAST_TOKENS = 64;

  /** An encoder's own kernels. */
  public interface Network {
    int layers();

    /** The input of the first layer, [N, d]. */
    NDArray embed(PackedPart part);

    /** Layers {@code [first, last)}: x [N, d], which may be overwritten, to [N, d]. */
    NDArray layers(NDArray x, PackedPart part, int first, int last);
  }

  /** A sequence to compute. */
  record Unit(int index, TokenSequence sequence, int owner) {}

  private record Key(IntBuffer ids, int secondFrom, int owner) {}

  private record States(NDArray last, Optional<NDArray> middle) {
    void close() {
      last.close();
      middle.ifPresent(NDArray::close);
    }
  }

  private final Backbone backbone;
  private final Network network;
  private final RowAdapters adapters;
  private final boolean withMiddle;
  private final List<Unit> units = new ArrayList<>();
  private final int[] unitOfRow;

  private PackedEncoder(
      Backbone backbone,
      Network network,
      TokenBatch batch,
      RowAdapters adapters,
      boolean withMiddle) {
    this.backbone = backbone;
    this.network = network;
    this.adapters = adapters;
    this.withMiddle = withMiddle;
    unitOfRow = new int[batch.rows()];
    Map<Key, Integer> known = new HashMap<>();
    for (int row = 0; row < unitOfRow.length; row++) {
      TokenSequence sequence = batch.sequences().get(row);
      int owner = adapters.of(row);
      Key key = new Key(IntBuffer.wrap(sequence.ids()), sequence.secondFrom(), owner);
      unitOfRow[row] = known.computeIfAbsent(key, k -> add(sequence, owner));
    }
  }

  private int add(TokenSequence sequence, int owner) {
    units.add(new Unit(units.size(), sequence, owner));
    return units.size() - 1;
  }

  /**
   * Encodes a batch.
   *
   * @param withMiddle whether the states after half of the layers are wanted too
   */
  public static Encoded encode(
      Backbone backbone,
      Network network,
      TokenBatch batch,
      RowAdapters adapters,
      Workers workers,
      boolean withMiddle) {
    return new PackedEncoder(backbone, network, batch, adapters, withMiddle).run(batch, workers);
  }

  private Encoded run(TokenBatch batch, Workers workers) {
    List<PackedPart> parts = parts(workers);
    List<States> done = new ArrayList<>();
    List<Supplier<States>> work = new ArrayList<>();
    for (PackedPart part : parts) {
      work.add(
          () -> {
            States states = states(part);
            synchronized (done) {
              done.add(states);
            }
            return states;
          });
    }
    List<States> states;
    try {
      states = workers.run(work);
    } catch (RuntimeException e) {
      done.forEach(States::close);
      throw e;
    }
    for (States some : states) {
      NDScope.register(some.last());
      some.middle().ifPresent(NDScope::register);
    }
    NDArray rows = rows(batch, parts);
    Shape shape = new Shape(batch.rows(), batch.length(), states.get(0).last().getShape().get(1));
    NDArray last = padded(states.stream().map(States::last).toList(), rows, shape);
    Optional<NDArray> middle =
        withMiddle
            ? Optional.of(
                padded(states.stream().map(s -> s.middle().orElseThrow()).toList(), rows, shape))
            : Optional.empty();
    int computed = parts.stream().mapToInt(PackedPart::tokens).sum();
    return new Encoded(last, middle, batch.mask(), computed);
  }

  private static NDArray padded(List<NDArray> parts, NDArray rows, Shape shape) {
    NDArray packed = parts.size() == 1 ? parts.get(0) : Ops.concat(parts, 0);
    return Ops.gatherRows(packed, rows).reshape(shape);
  }

  private States states(PackedPart part) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray x = network.embed(part);
      int half = (network.layers() - 1) / 2 + 1;
      Optional<NDArray> middle = Optional.empty();
      if (withMiddle) {
        x = network.layers(x, part, 0, half);
        middle = Optional.of(x);
      }
      NDArray last = network.layers(x, part, withMiddle ? half : 0, network.layers());
      middle.ifPresent(Ops::keep);
      return new States(Ops.keep(last), middle);
    }
  }

  /** Where each token of the padded batch [B S] lies among the parts' tokens. */
  private NDArray rows(TokenBatch batch, List<PackedPart> parts) {
    int[] begins = new int[units.size()];
    int from = 0;
    for (PackedPart part : parts) {
      for (int i = 0; i < part.units().size(); i++) {
        begins[part.units().get(i).index()] = from + part.begin(i);
      }
      from += part.tokens();
    }
    long[] rows = new long[batch.rows() * batch.length()];
    for (int row = 0; row < batch.rows(); row++) {
      Unit unit = units.get(unitOfRow[row]);
      int begin = begins[unit.index()];
      for (int j = 0; j < batch.length(); j++) {
        rows[row * batch.length() + j] = j < unit.sequence().length() ? begin + j : begin;
      }
    }
    return backbone.manager().create(rows);
  }

  /** About equally many tokens in each, those of one task side by side, then of equal length. */
  private List<PackedPart> parts(Workers workers) {
    NDManager manager = backbone.manager();
    List<Unit> sorted = sorted();
    int tokens = sorted.stream().mapToInt(unit -> unit.sequence().length()).sum();
    int count = 1;
    if (!manager.getDevice().isGpu()) {
      count = (tokens + PART_TOKENS - 1) / PART_TOKENS;
      int side = Math.max(1, Math.min(workers.count(), tokens / LEAST_TOKENS));
      count = (count + side - 1) / side * side;
    }
    List<PackedPart> parts = new ArrayList<>();
    int from = 0;
    int taken = 0;
    for (int i = 0; i < count && from < sorted.size(); i++) {
      int to = from;
      long until = (i + 1L) * tokens / count;
      while (to < sorted.size() && (to == from || taken < until)) {
        taken += sorted.get(to++).sequence().length();
      }
      parts.add(new PackedPart(backbone, sorted.subList(from, to), adapters));
      from = to;
    }
    return parts;
  }

  private List<Unit> sorted() {
    int[] perOwner = new int[adapters.distinct().size()];
    units.stream().filter(unit -> unit.owner() >= 0).forEach(unit -> perOwner[unit.owner()]++);
    List<Unit> sorted = new ArrayList<>(units);
    sorted.sort(
        Comparator.comparingInt(
                (Unit unit) ->
                    unit.owner() >= 0 && perOwner[unit.owner()] < PackedPart.SEGMENT
                        ? perOwner.length
                        : unit.owner())
            .thenComparingInt(unit -> unit.sequence().length()));
    return sorted;
  }
}
