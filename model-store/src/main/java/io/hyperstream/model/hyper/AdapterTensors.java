package io.hyperstream.model.hyper;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.tensor.Ops;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/**
 * All adapters of one stack, one array per part with the axes layer and position: down weights are
 * [L, 2, r, d], and so on. What a hypernetwork generates has the tasks in front of it: [K, L, 2, r,
 * d].
 */
record AdapterTensors(Map<Part, NDArray> parts) {

  /** The parts, under the names they are stored by. */
  enum Part {
    DOWN_WEIGHT("down.weight", Of.PROJECTION),
    DOWN_BIAS("down.bias", Of.PROJECTION),
    UP_WEIGHT("up.weight", Of.PROJECTION),
    UP_BIAS("up.bias", Of.PROJECTION),
    PRE_NORM_WEIGHT("pre_norm.weight", Of.NORM_BEFORE),
    PRE_NORM_BIAS("pre_norm.bias", Of.NORM_BEFORE),
    POST_NORM_WEIGHT("post_norm.weight", Of.NORM_AFTER),
    POST_NORM_BIAS("post_norm.bias", Of.NORM_AFTER);

    private enum Of {
      PROJECTION,
      NORM_BEFORE,
      NORM_AFTER
    }

    private final String storedAs;
    private final Of of;

    Part(String storedAs, Of of) {
      this.storedAs = storedAs;
      this.of = of;
    }

    String storedAs() {
      return storedAs;
    }

    /** Whether adapters of a configuration have it: only the norms may be left out. */
    boolean isIn(AdapterConfig config) {
      return switch (of) {
        case PROJECTION -> true;
        case NORM_BEFORE -> config.normBefore();
        case NORM_AFTER -> config.normAfter();
      };
    }

    /** Shape of one adapter's part. */
    long[] shape(int r, int d) {
      return switch (this) {
        case DOWN_WEIGHT -> new long[] {r, d};
        case DOWN_BIAS -> new long[] {r};
        case UP_WEIGHT -> new long[] {d, r};
        default -> new long[] {d};
      };
    }
  }

  AdapterTensors map(UnaryOperator<NDArray> change) {
    return map((part, array) -> change.apply(array));
  }

  AdapterTensors map(BiFunction<Part, NDArray, NDArray> change) {
    Map<Part, NDArray> out = new EnumMap<>(Part.class);
    parts.forEach((part, array) -> out.put(part, change.apply(part, array)));
    return new AdapterTensors(out);
  }

  /** Task k of generated tensors, as views. */
  AdapterTensors task(int k) {
    return map(array -> Ops.select(array, 0, k));
  }

  /** One adapter, as views. */
  Adapter at(int layer, Position position) {
    return new Adapter(
        view(Part.DOWN_WEIGHT, layer, position),
        view(Part.DOWN_BIAS, layer, position),
        view(Part.UP_WEIGHT, layer, position),
        view(Part.UP_BIAS, layer, position),
        norm(Part.PRE_NORM_WEIGHT, Part.PRE_NORM_BIAS, layer, position),
        norm(Part.POST_NORM_WEIGHT, Part.POST_NORM_BIAS, layer, position));
  }

  private Adapter.Norm norm(Part weight, Part bias, int layer, Position position) {
    return parts.containsKey(weight)
        ? new Adapter.Norm(view(weight, layer, position), view(bias, layer, position))
        : null;
  }

  private NDArray view(Part part, int layer, Position position) {
    return view(parts.get(part), layer, position);
  }

  /** One layer and position of [L, 2, ..]. */
  static NDArray view(NDArray stacked, int layer, Position position) {
    return Ops.select(Ops.select(stacked, 0, layer), 0, position.index());
  }
}
