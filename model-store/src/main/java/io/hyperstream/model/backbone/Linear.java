package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Kernels;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import java.util.List;
import java.util.Optional;

/**
 * {@code y = x w' + b} with weights of a checkpoint. Frozen weights are packed for the kernels when
 * they are read; as they stand in the checkpoint they are read again when they are first asked for,
 * which serving never does. Any thread.
 */
public final class Linear {
  private final TensorSource source;
  private final NDManager manager;
  private final List<String> weights;
  private final long rows;
  private final long in;
  private final Kernels kernels;
  private final NDArray packed; // null if it is trained
  private final NDArray bias; // [out] float32, or null
  private final NDArray packedBias; // of the packed weight's type
  private final NDArray kind;
  private volatile NDArray plain; // [out, in]

  private Linear(
      TensorSource source,
      NDManager manager,
      List<String> weights,
      Optional<List<String>> biases,
      long rows,
      long in,
      Precision precision) {
    this.source = source;
    this.manager = manager;
    this.weights = List.copyOf(weights);
    this.rows = rows;
    this.in = in;
    kernels = Kernels.of(manager.getDevice());
    boolean frozen = weights.stream().allMatch(source::frozen);
    boolean half = precision == Precision.BF16;
    boolean recording = Ops.setRecording(false);
    try (NDScope scope = Ops.scope();
        NDManager reading = manager.newSubManager()) {
      scope.suppressNotUsedWarning();
      if (frozen) {
        packed = Ops.own(manager, kernels.call("pack", read(reading), precision.kind()));
        plain = null;
      } else {
        packed = null;
        plain = read(manager);
      }
      bias = biases.map(names -> vector(names, rows)).orElse(null);
      packedBias =
          bias != null && half
              ? Ops.own(manager, kernels.call("to_kind", bias, precision.kind()))
              : bias;
      NDArray one = manager.ones(new Shape(1));
      kind = Ops.own(manager, half ? kernels.call("to_kind", one, precision.kind()) : one);
    } finally {
      Ops.setRecording(recording);
    }
  }

  /**
   * Reads a product.
   *
   * @param weights names of matrices [rows, in], put on top of each other
   * @throws CheckpointException if a tensor is missing or has another shape
   */
  public static Linear read(
      TensorSource source,
      NDManager manager,
      Precision precision,
      List<String> weights,
      long rows,
      long in) {
    return new Linear(source, manager, weights, Optional.empty(), rows, in, precision);
  }

  /**
   * The same with a bias.
   *
   * @param biases names of as many vectors [rows]
   */
  public static Linear read(
      TensorSource source,
      NDManager manager,
      Precision precision,
      List<String> weights,
      List<String> biases,
      long rows,
      long in) {
    return new Linear(source, manager, weights, Optional.of(biases), rows, in, precision);
  }

  private NDArray read(NDManager owner) {
    return weights.size() == 1
        ? source.read(owner, weights.get(0), rows, in)
        : source.readStacked(owner, weights, rows, in);
  }

  private NDArray vector(List<String> names, long width) {
    if (names.size() == 1) {
      return source.read(manager, names.get(0), width);
    }
    List<NDArray> parts = names.stream().map(name -> source.read(manager, name, width)).toList();
    NDArray joined = Ops.own(manager, Ops.concat(parts, 0));
    parts.forEach(NDArray::close);
    return joined;
  }

  /** x [.., in] -> [.., out]; with gradients while the thread records. */
  public NDArray apply(NDArray x) {
    if (packed != null && !Ops.recording()) {
      try (NDArray y =
          bias == null
              ? kernels.call("linear", x, packed, kind)
              : kernels.call("linear_bias", x, packed, packedBias)) {
        return y.duplicate(); // what a kernel made cannot be changed in place
      }
    }
    return bias == null ? Ops.linear(x, weight()) : Ops.linear(x, weight(), bias);
  }

  /** The weight [out, in], float32. */
  public NDArray weight() {
    NDArray known = plain;
    if (known == null) {
      synchronized (this) {
        known = plain;
        if (known == null) {
          known = read(manager);
          plain = known;
        }
      }
    }
    return known;
  }

  /** The weight for kernels; empty if it is trained. */
  public Optional<NDArray> packed() {
    return Optional.ofNullable(packed);
  }

  /** Has the packed weight's type; nothing else of it matters. */
  public NDArray kind() {
    return kind;
  }

  /** The bias [out] for kernels, of the packed weight's type; null if there is none. */
  public NDArray packedBias() {
    return packedBias;
  }
}
