package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Scalar;

/** T5's layer norm: no mean, no bias. */
final class RmsNorm {
  private final NDArray weight; // [d]
  private final Scalar rootWidth;
  private final Scalar eps;

  RmsNorm(TensorSource source, NDManager manager, String prefix, T5Config config) {
    weight = source.read(manager, prefix + ".weight", config.dModel());
    rootWidth = new Scalar(Math.sqrt(config.dModel()));
    eps = new Scalar(config.layerNormEps());
  }

  /** [d]. */
  NDArray weight() {
    return weight;
  }

  /** [.., d] -> [.., d]; x is left alone. */
  NDArray apply(NDArray x) {
    return Ops.rmsNorm(x, weight, rootWidth, eps);
  }
}
