package io.hyperstream.model.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;

/**
 * A number as a tensor without dimensions, made once: DJL's operations on a Java number copy it to
 * native memory at every call. It works with arrays of any device (PyTorch broadcasts a CPU scalar)
 * and is never freed, so make it once per model, not per batch. Any thread.
 */
public final class Scalar {
  private final float value;
  private final NDArray array;

  public Scalar(double value) {
    this.value = (float) value;
    NDManager manager = Ops.cpuManager();
    array = manager.create(this.value);
    NDScope.unregister(array);
  }

  public float value() {
    return value;
  }

  NDArray array() {
    return array;
  }
}
