package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
import java.util.List;

/**
 * The encoder's adapters of a batch as the kernels take them ({@code adapters.py}).
 *
 * @param distinct the four tensors of each adapter in the batch, over all layers
 * @param ofRow [B] which of them a row has, -1 for none; empty if no row has any
 * @param activation inside the adapters, by its name in configurations
 * @param firstLayer layers below it have no adapters
 */
public record RowAdapters(
    List<List<NDArray>> distinct, int[] ofRow, String activation, int firstLayer) {
  /** The bare backbone. */
  public static final RowAdapters NONE = new RowAdapters(List.of(), new int[0], "", 0);

  int of(int row) {
    return ofRow.length == 0 ? -1 : ofRow[row];
  }
}
