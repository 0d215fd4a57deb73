package io.hyperstream.model.hyper;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.tensor.Activation;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Scalar;
import java.util.List;

/**
 * The adapters of n rows with the norm after them folded into their products: nothing passes over
 * [n, N, d] but the last product. With {@code q = [h, 1]} and {@code A = [up, b_up]}, its columns
 * centred over d, the norm's numerator is {@code A q} and its variance {@code q' (A' A / d) q}, so
 * that
 *
 * <pre>LN_post(up h + b_up) = [A * weight, bias] [q / sqrt(var + eps), 1]</pre>
 *
 * <p>Folding passes over [n, d, r] a few times, so it pays where there are more positions than r.
 *
 * @param down [n, r, d]
 * @param downBias [n, 1, r]
 * @param gram {@code A' A / d}: [n, r + 1, r + 1]
 * @param up {@code [A * weight, bias]}: [n, d, r + 2]
 */
record FoldedAdapters(NDArray down, NDArray downBias, NDArray gram, NDArray up) {
  private static final Scalar EPS = new Scalar(Adapter.EPS);

  /**
   * @param perRow with a norm after and none before
   */
  static FoldedAdapters of(Adapter perRow) {
    NDArray columns = Ops.concat(List.of(perRow.up(), Ops.swapAxes(perRow.upBias(), 1, 2)), 2);
    long width = columns.getShape().get(1);
    columns.subi(columns.mean(new int[] {1}, true)); // [n, d, r + 1]
    NDArray gram = Ops.bmm(Ops.swapAxes(columns, 1, 2), columns).muli(1f / width);
    Ops.mulInPlace(columns, Ops.swapAxes(perRow.post().weight(), 1, 2));
    NDArray up = Ops.concat(List.of(columns, Ops.swapAxes(perRow.post().bias(), 1, 2)), 2);
    return new FoldedAdapters(perRow.down(), perRow.downBias(), gram, up);
  }

  /** What the adapters add: y [n, N, d] -> [n, N, d]; y is left alone. */
  NDArray delta(NDArray y, Activation activation) {
    NDArray h = Ops.addInPlace(Ops.bmm(y, Ops.swapAxes(down, 1, 2)), downBias); // [n, N, r]
    h = activation.apply(h);
    NDArray one = y.getManager().ones(new Shape(y.getShape().get(0), y.getShape().get(1), 1));
    NDArray q = Ops.concat(List.of(h, one), 2); // [n, N, r + 1]
    NDArray variance = Ops.mulInPlace(Ops.bmm(q, gram), q).sum(new int[] {2}, true); // [n, N, 1]
    q.divi(Ops.addInPlace(variance, EPS).sqrt());
    return Ops.bmm(Ops.concat(List.of(q, one), 2), Ops.swapAxes(up, 1, 2));
  }
}
