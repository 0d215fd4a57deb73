package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
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
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Runs an encoder's kernels over the tokens of a batch: none of padding (but for attention), equal
 * sequences with equal adapters once, and the layers below the first adapters once for all tasks
 * that ask about a text. Tokens go in parts that stay in a core's cache, the parts side by side.
 * Without gradients. Any thread.
 */
public final class PackedEncoder {
  /** On a CPU about so many tokens go through all layers together. */
  private static final int PART_TOKENS = 768;

  /** Parts are not made smaller than this for the sake of idle workers. */
  private static final int LEAST_TOKENS = 64;

  /** An encoder's own kernels. */
  public interface Network {
    /** Whether its weights are packed; those that are trained are not. */
    boolean frozen();

    int layers();

    /** The input of the first layer, [N, d]. */
    NDArray embed(PackedPart part);

    /** Layers {@code [first, last)}: x [N, d], left alone, to [N, d]. */
    NDArray layers(NDArray x, PackedPart part, int first, int last);
  }

  /**
   * A sequence to compute.
   *
   * @param index its place among the units
   * @param owner which adapters it has, -1 for none
   * @param text which sequence it is of those that differ in their tokens
   */
  record Unit(int index, TokenSequence sequence, int owner, int text) {}

  private record Key(IntBuffer ids, int secondFrom, int owner) {
    Key(TokenSequence sequence, int owner) {
      this(IntBuffer.wrap(sequence.ids()), sequence.secondFrom(), owner);
    }
  }

  private record States(NDArray last, Optional<NDArray> middle) {
    void close() {
      last.close();
      middle.ifPresent(NDArray::close);
    }
  }

  /**
   * What some layers made of units.
   *
   * @param last [N, d] of all parts' tokens, one part after the other
   * @param middle the same after half of the layers, if that is among these layers
   * @param begins of each unit, by its index, where its tokens begin
   * @param tokens how many went through the layers
   */
  private record Pass(NDArray last, Optional<NDArray> middle, int[] begins, int tokens) {}

  private final Backbone backbone;
  private final Network network;
  private final Workers workers;
  private final int half; // layers that make the middle states; 0 if nobody wants them

  private PackedEncoder(Backbone backbone, Network network, Workers workers, boolean withMiddle) {
    this.backbone = backbone;
    this.network = network;
    this.workers = workers;
    half = withMiddle ? (network.layers() - 1) / 2 + 1 : 0;
  }

  /**
   * Encodes a batch.
   *
   * @param withMiddle whether the states after half of the layers are wanted too
   * @return empty where it takes plain operations: while the thread records, with trained weights,
   *     and with adapters that are not data
   */
  public static Optional<Encoded> encode(
      Backbone backbone,
      Network network,
      TokenBatch batch,
      AdapterHook adapters,
      Workers workers,
      boolean withMiddle) {
    if (Ops.recording() || !network.frozen()) {
      return Optional.empty();
    }
    PackedEncoder encoder = new PackedEncoder(backbone, network, workers, withMiddle);
    return adapters.forKernels().map(rows -> encoder.run(batch, rows, network.layers()));
  }

  /**
   * The states after the first layers, where these have neither adapters nor trained weights: while
   * the thread records they are what the recorded layers start from.
   */
  public static Encoded below(
      Backbone backbone, Network network, TokenBatch batch, Workers workers, int layers) {
    boolean recording = Ops.setRecording(false);
    try {
      PackedEncoder encoder = new PackedEncoder(backbone, network, workers, true);
      return encoder.run(batch, RowAdapters.NONE, layers);
    } finally {
      Ops.setRecording(recording);
    }
  }

  private Encoded run(TokenBatch batch, RowAdapters adapters, int all) {
    List<Unit> texts = new ArrayList<>();
    List<Unit> units = new ArrayList<>();
    int[] unitOfRow = new int[batch.rows()];
    Map<Key, Integer> known = new HashMap<>();
    Map<Key, Integer> knownTexts = new HashMap<>();
    for (int row = 0; row < unitOfRow.length; row++) {
      TokenSequence sequence = batch.sequences().get(row);
      int owner = adapters.of(row);
      int text = knownTexts.computeIfAbsent(new Key(sequence, -1), k -> texts.size());
      if (text == texts.size()) {
        texts.add(new Unit(text, sequence, -1, text));
      }
      int unit = known.computeIfAbsent(new Key(sequence, owner), k -> units.size());
      if (unit == units.size()) {
        units.add(new Unit(unit, sequence, owner, text));
      }
      unitOfRow[row] = unit;
    }
    int shared = texts.size() < units.size() ? adapters.firstLayer() : 0;
    if (shared == 0) {
      Pass pass = pass(units, adapters, network::embed, 0, all);
      int[] begins = IntStream.of(unitOfRow).map(unit -> pass.begins()[unit]).toArray();
      return padded(batch, pass.last(), begins, pass.middle(), begins, pass.tokens());
    }
    Pass lower = pass(texts, RowAdapters.NONE, network::embed, 0, shared);
    Pass upper = pass(units, adapters, part -> inputs(lower, part), shared, all);
    int[] begins = IntStream.of(unitOfRow).map(unit -> upper.begins()[unit]).toArray();
    int[] textBegins =
        IntStream.of(unitOfRow).map(unit -> lower.begins()[units.get(unit).text()]).toArray();
    long layersOfTokens = (long) lower.tokens() * shared + (long) upper.tokens() * (all - shared);
    int computed = (int) (layersOfTokens / all);
    return lower.middle().isPresent()
        ? padded(batch, upper.last(), begins, lower.middle(), textBegins, computed)
        : padded(batch, upper.last(), begins, upper.middle(), begins, computed);
  }

  /**
   * Puts rows' tokens where the padded batch has them.
   *
   * @param begins of each row, where its tokens begin among the last states
   * @param middleBegins the same among the middle states
   */
  private Encoded padded(
      TokenBatch batch,
      NDArray last,
      int[] begins,
      Optional<NDArray> middle,
      int[] middleBegins,
      int computed) {
    return new Encoded(
        padded(batch, last, begins),
        middle.map(states -> padded(batch, states, middleBegins)),
        batch.mask(),
        computed);
  }

  private NDArray padded(TokenBatch batch, NDArray states, int[] begins) {
    int length = batch.length();
    long[] rows = new long[batch.rows() * length];
    for (int row = 0; row < begins.length; row++) {
      int tokens = batch.sequences().get(row).length();
      for (int j = 0; j < length; j++) {
        rows[row * length + j] = begins[row] + (j < tokens ? (long) j : 0);
      }
    }
    return Ops.gatherRows(states, backbone.manager().create(rows))
        .reshape(new Shape(batch.rows(), length, states.getShape().get(1)));
  }

  /** The states of a part's tokens that were made for all tasks alike. */
  private NDArray inputs(Pass lower, PackedPart part) {
    long[] rows = new long[part.tokens()];
    for (int i = 0; i < part.rows(); i++) {
      int begin = lower.begins()[part.units().get(i).text()];
      for (int j = 0; j < part.units().get(i).sequence().length(); j++) {
        rows[part.begin(i) + j] = (long) begin + j;
      }
    }
    return Ops.gatherRows(lower.last(), backbone.manager().create(rows));
  }

  private Pass pass(
      List<Unit> units,
      RowAdapters adapters,
      Function<PackedPart, NDArray> input,
      int first,
      int last) {
    List<PackedPart> parts = parts(units, adapters);
    List<States> made = new ArrayList<>();
    List<Supplier<States>> work = new ArrayList<>();
    for (PackedPart part : parts) {
      work.add(
          () -> {
            States states = states(part, input, first, last);
            synchronized (made) {
              made.add(states);
            }
            return states;
          });
    }
    List<States> states;
    try {
      states = workers.run(work);
    } catch (RuntimeException e) {
      made.forEach(States::close);
      throw e;
    }
    for (States some : states) {
      NDScope.register(some.last());
      some.middle().ifPresent(NDScope::register);
    }
    int[] begins = new int[units.size()];
    int from = 0;
    for (PackedPart part : parts) {
      for (int i = 0; i < part.rows(); i++) {
        begins[part.units().get(i).index()] = from + part.begin(i);
      }
      from += part.tokens();
    }
    Optional<NDArray> middle =
        first < half && half <= last
            ? Optional.of(joined(states.stream().map(s -> s.middle().orElseThrow()).toList()))
            : Optional.empty();
    return new Pass(joined(states.stream().map(States::last).toList()), middle, begins, from);
  }

  private static NDArray joined(List<NDArray> parts) {
    return parts.size() == 1 ? parts.get(0) : Ops.concat(parts, 0);
  }

  private States states(PackedPart part, Function<PackedPart, NDArray> input, int first, int last) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray x = input.apply(part);
      if (first < half && half < last) {
        NDArray middle = network.layers(x, part, first, half);
        NDArray end = network.layers(middle, part, half, last);
        return new States(Ops.keep(end), Optional.of(Ops.keep(middle)));
      }
      NDArray end = Ops.keep(network.layers(x, part, first, last));
      return new States(end, half == last ? Optional.of(end) : Optional.empty());
    }
  }

  /** About equally many tokens in each, those of one task side by side, then of equal length. */
  private List<PackedPart> parts(List<Unit> units, RowAdapters adapters) {
    List<Unit> sorted = sorted(units, adapters);
    int tokens = sorted.stream().mapToInt(unit -> unit.sequence().length()).sum();
    int count = 1;
    if (!backbone.manager().getDevice().isGpu()) {
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

  private static List<Unit> sorted(List<Unit> units, RowAdapters adapters) {
    int[] perOwner = new int[adapters.distinct().size()];
    for (Unit unit : units) {
      if (unit.owner() >= 0) {
        perOwner[unit.owner()] += unit.sequence().length();
      }
    }
    List<Unit> sorted = new ArrayList<>(units);
    sorted.sort(
        Comparator.comparingInt(
                (Unit unit) ->
                    unit.owner() >= 0 && perOwner[unit.owner()] < PackedPart.SEGMENT_TOKENS
                        ? perOwner.length
                        : unit.owner())
            .thenComparingInt(unit -> unit.sequence().length()));
    return sorted;
  }
}
