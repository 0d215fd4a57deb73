package io.hyperstream.model.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;

/**
 * Gradients without DJL's collector, of which a JVM can have only one at a time: any number of
 * threads may train at once, each on leaves of its own. The calling thread must be recording
 * ({@link Ops#setRecording}).
 */
public final class Autograd {
  private Autograd() {}

  /**
   * A trainable copy of some values: the graph ends in it and {@link #backward} leaves its gradient
   * there. Belongs to the manager and to no open scope.
   */
  public static NDArray leaf(NDManager owner, NDArray values) {
    boolean recording = Ops.setRecording(false);
    try {
      NDArray copy = Ops.own(owner, values.duplicate());
      copy.setName(values.getName());
      JniUtils.attachGradient(pt(copy), true);
      return copy;
    } finally {
      Ops.setRecording(recording);
    }
  }

  /**
   * Adds the gradient of a loss to every leaf it depends on; the graph is freed.
   *
   * @param loss a single value
   */
  public static void backward(NDArray loss) {
    JniUtils.backward(pt(loss), pt(loss.onesLike()), false, false);
  }

  /** The gradient of a leaf since it was last cleared, in the open scope; null if there is none. */
  public static NDArray gradient(NDArray leaf) {
    return JniUtils.getGradient(pt(leaf));
  }

  /** Sets the gradient of a leaf that has one to zero. */
  public static void clearGradient(NDArray leaf) {
    JniUtils.zeroGrad(pt(leaf));
  }

  /** Overwrites a leaf's values, outside the graph. */
  public static void assign(NDArray leaf, NDArray values) {
    boolean recording = Ops.setRecording(false);
    try {
      JniUtils.subi(pt(leaf), pt(leaf));
      JniUtils.addi(pt(leaf), pt(values));
    } finally {
      Ops.setRecording(recording);
    }
  }

  /** Moves a leaf a share of the way towards a target, outside the graph. */
  public static void pull(NDArray leaf, NDArray target, double share) {
    boolean recording = Ops.setRecording(false);
    try {
      PtNDArray way = JniUtils.sub(pt(target), pt(leaf));
      JniUtils.addi(pt(leaf), pt(Ops.mul(way, (float) share)));
    } finally {
      Ops.setRecording(recording);
    }
  }

  /** Euclidean norm of all values. */
  public static float norm(NDArray values) {
    PtNDArray flat = pt(values.reshape(-1));
    return JniUtils.norm(flat, 2, new int[] {0}, false).getFloat();
  }

  /**
   * One AdamW update in place: {@code m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; w -= rate decay
   * w; w -= step m / (sqrt(v) + eps)}, with the gradient scaled first.
   *
   * @param step the rate times sqrt(1 - b2^t) / (1 - b1^t): epsilon meets the un-corrected root
   */
  public static void adamW(
      NDArray weight,
      NDArray gradient,
      NDArray mean,
      NDArray variance,
      float rate,
      float step,
      float decay,
      float gradientScale,
      float beta1,
      float beta2,
      float eps) {
    JniUtils.adamUpdate(
        pt(weight),
        pt(gradient),
        pt(mean),
        pt(variance),
        rate,
        step,
        decay,
        gradientScale,
        -1,
        beta1,
        beta2,
        eps,
        true);
  }

  /** Seeds the generator that {@link #dropout} draws from; it is one per process. */
  public static void seed(long seed) {
    Ops.cpuManager();
    JniUtils.setSeed(seed);
  }

  /** Zeroes values at random and scales the rest by {@code 1 / (1 - rate)}. */
  public static NDArray dropout(NDArray x, double rate) {
    return JniUtils.dropout(pt(x), rate, true);
  }

  private static PtNDArray pt(NDArray array) {
    return (PtNDArray) array;
  }
}
