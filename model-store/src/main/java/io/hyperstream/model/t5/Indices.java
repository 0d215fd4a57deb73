package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;

/** Row numbers and token ids as arrays. */
final class Indices {
  private Indices() {}

  /** [n] int64. */
  static NDArray of(NDManager manager, int[] values) {
    return manager.create(Arrays.stream(values).asLongStream().toArray());
  }

  /** [n, 1] int64. */
  static NDArray column(NDManager manager, int[] values) {
    return manager.create(
        Arrays.stream(values).asLongStream().toArray(), new Shape(values.length, 1));
  }
}
