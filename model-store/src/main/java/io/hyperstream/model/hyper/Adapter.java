package io.hyperstream.model.hyper;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.tensor.Activation;
import io.hyperstream.model.tensor.Ops;
import java.util.function.UnaryOperator;

/**
 * One adapter: {@code y + LN_post(up act(down LN_pre(y) + b_down) + b_up)}. With the leading axis n
 * it holds the adapters of n rows, applied row by row.
 *
 * @param down [r, d] or [n, r, d]
 * @param downBias [r] or [n, 1, r]
 * @param up [d, r] or [n, d, r]
 * @param upBias [d] or [n, 1, d]
 * @param pre weight and bias of the norm before, or null
 * @param post weight and bias of the norm after, or null
 */
record Adapter(NDArray down, NDArray downBias, NDArray up, NDArray upBias, Norm pre, Norm post) {
  /** Ordinary layer norms, not T5's. */
  static final double EPS = 1e-5;

  /** weight and bias [d] or [n, 1, d]. */
  record Norm(NDArray weight, NDArray bias) {
    NDArray apply(NDArray x) {
      return Ops.layerNorm(x, weight, bias, EPS);
    }

    /** Per row: normalise without weights, then scale and shift each row with its own. */
    NDArray applyPerRow(NDArray x, Norm identity) {
      return Ops.addInPlace(Ops.mulInPlace(identity.apply(x), weight), bias);
    }

    Norm map(UnaryOperator<NDArray> change) {
      return new Norm(change.apply(weight), change.apply(bias));
    }
  }

  Adapter map(UnaryOperator<NDArray> change) {
    return new Adapter(
        change.apply(down),
        change.apply(downBias),
        change.apply(up),
        change.apply(upBias),
        pre == null ? null : pre.map(change),
        post == null ? null : post.map(change));
  }

  /** What the adapter adds: y [.., N, d] -> [.., N, d]; y is left alone. */
  NDArray delta(NDArray y, Activation activation) {
    NDArray z = pre == null ? y : pre.apply(y);
    NDArray h = activation.apply(Ops.linear(z, down, downBias)); // [.., N, r]
    NDArray u = Ops.linear(h, up, upBias); // [.., N, d]
    return post == null ? u : post.apply(u);
  }

  /** The same with adapters per row: y [n, N, d] -> [n, N, d]. */
  NDArray deltaPerRow(NDArray y, Activation activation, Norm identity) {
    NDArray z = pre == null ? y : pre.applyPerRow(y, identity);
    NDArray h = Ops.addInPlace(Ops.bmm(z, Ops.swapAxes(down, 1, 2)), downBias); // [n, N, r]
    h = activation.apply(h);
    NDArray u = Ops.addInPlace(Ops.bmm(h, Ops.swapAxes(up, 1, 2)), upBias); // [n, N, d]
    return post == null ? u : post.applyPerRow(u, identity);
  }
}
