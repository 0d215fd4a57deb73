package io.hyperstream.model.readout;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Encoded;

/**
 * A task's labels as vectors: scores are cosines to a row's vector times {@link #scale}. Part of
 * the gradient graph while the thread records.
 */
public interface LabelVectors extends LabelReadout.Differentiable {
  /** [B, d], of length 1: what labels are compared with. */
  NDArray rows(Encoded encoded);

  /**
   * [n, d], of length 1.
   *
   * @param labels which of the task's, at least one
   * @param adapters whose first row's are used
   */
  NDArray of(int[] labels, AdapterHook adapters);

  /**
   * [B, n]: cosines times {@link #scale}.
   *
   * @param rows [B, d] as {@link #rows} makes them
   * @param labels which of the task's, at least one
   */
  NDArray score(NDArray rows, int[] labels, AdapterHook adapters);

  /** What cosines are multiplied with. */
  double scale();
}
