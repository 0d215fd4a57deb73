package io.hyperstream.model.hyper;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.hyper.AdapterTensors.Part;
import io.hyperstream.model.tensor.Ops;
import java.util.List;
import java.util.Optional;

/**
 * One task's adapters of a stack with the norm after them folded into their products, as the
 * kernels take them: nothing passes over [N, d] but the last product. With {@code q = [h, 1]} and
 * {@code A = [up, b_up]}, its columns centred over d, the norm's numerator is {@code A q} and its
 * variance {@code q' (A' A / d) q}, so that
 *
 * <pre>LN_post(up h + b_up) = [A * weight, bias] [q / sqrt(var + eps), 1]</pre>
 *
 * <p>The last component of q is 1, so eps is part of the last number of the matrix.
 *
 * @param down [L, 2, r, d]
 * @param downBias [L, 2, r]
 * @param gram {@code A' A / d} and eps: [L, 2, r + 1, r + 1]
 * @param up {@code [A * weight, bias]}: [L, 2, d, r + 2]
 */
record FoldedAdapters(NDArray down, NDArray downBias, NDArray gram, NDArray up) {
  /**
   * @return empty if there is a norm before, which cannot be folded
   */
  static Optional<FoldedAdapters> of(AdapterTensors adapters) {
    if (adapters.parts().containsKey(Part.PRE_NORM_WEIGHT)) {
      return Optional.empty();
    }
    NDArray down = adapters.parts().get(Part.DOWN_WEIGHT);
    long layers = down.getShape().get(0);
    long r = down.getShape().get(2);
    long d = down.getShape().get(3);
    long n = layers * Position.COUNT;
    NDManager manager = down.getManager();
    NDArray upWeight = adapters.parts().get(Part.UP_WEIGHT).reshape(n, d, r);
    NDArray upBias = adapters.parts().get(Part.UP_BIAS).reshape(n, d, 1);
    NDArray columns = Ops.concat(List.of(upWeight, upBias), 2); // [n, d, r + 1]
    boolean normed = adapters.parts().containsKey(Part.POST_NORM_WEIGHT);
    NDArray gram;
    NDArray last;
    if (normed) {
      columns = columns.sub(columns.mean(new int[] {1}, true));
      gram = Ops.bmm(Ops.swapAxes(columns, 1, 2), columns).div(d);
      gram = gram.add(corner(manager, r, Adapter.EPS));
      columns = columns.mul(adapters.parts().get(Part.POST_NORM_WEIGHT).reshape(n, d, 1));
      last = adapters.parts().get(Part.POST_NORM_BIAS).reshape(n, d, 1);
    } else { // divides by 1
      gram = manager.zeros(new Shape(n, r + 1, r + 1)).add(corner(manager, r, 1));
      last = upBias.zerosLike();
    }
    return Optional.of(
        new FoldedAdapters(
            down,
            adapters.parts().get(Part.DOWN_BIAS),
            gram.reshape(layers, Position.COUNT, r + 1, r + 1),
            Ops.concat(List.of(columns, last), 2).reshape(layers, Position.COUNT, d, r + 2)));
  }

  /**
   * How many numbers folding adds.
   *
   * @param down [L, 2, r, d]
   */
  static long size(Shape down) {
    long r = down.get(2);
    return down.get(0) * Position.COUNT * ((r + 1) * (r + 1) + down.get(3) * (r + 2));
  }

  /** [r + 1, r + 1] of zeros, but for the last number. */
  private static NDArray corner(NDManager manager, long r, double value) {
    float[] values = new float[(int) ((r + 1) * (r + 1))];
    values[values.length - 1] = (float) value;
    return manager.create(values, new Shape(r + 1, r + 1));
  }

  List<NDArray> tensors() {
    return List.of(down, downBias, gram, up);
  }
}
