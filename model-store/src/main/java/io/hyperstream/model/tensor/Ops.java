package io.hyperstream.model.tensor;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.List;
import java.util.function.Supplier;

/**
 * Tensor operations in two modes. While the thread records gradients (PyTorch's default for a new
 * thread) every operation builds the graph and leaves its arguments alone; after {@link
 * #inferenceThread()} the operations whose names end in {@code InPlace}, and {@link Activation},
 * reuse their first argument's memory.
 *
 * <p>Memory: every array made while a {@link #scope()} is open on this thread is freed when the
 * scope closes, unless {@link #keep} took it out. One scope per batch is the rule. Arrays over a
 * memory-mapped file are read-only: they may be any argument but the first of an in-place
 * operation.
 *
 * <p>All methods may be called from any platform thread; gradient mode is per thread.
 */
public final class Ops {
  private static final String ENGINE = "PyTorch";
  private static final Scalar ONE = new Scalar(1);
  private static final Scalar LEAST_LENGTH = new Scalar(1e-12);

  /** 2 sqrt(2/pi) and the same times 0.044715: tanh-GELU is x sigmoid(2 c (x + 0.044715 x^3)). */
  private static final Scalar GELU_LINEAR = new Scalar(2 * Math.sqrt(2 / Math.PI));

  private static final Scalar GELU_CUBIC = new Scalar(2 * Math.sqrt(2 / Math.PI) * 0.044715);

  private Ops() {}

  // ---- modes, managers, scopes

  /** Turns gradient recording off for this thread; call it first on every inference worker. */
  public static void inferenceThread() {
    cpuManager();
    JniUtils.setGradMode(false);
  }

  /** Whether this thread records gradients. */
  public static boolean recording() {
    return JniUtils.isGradMode();
  }

  /** Sets gradient recording for this thread and says what it was. */
  public static boolean setRecording(boolean recording) {
    cpuManager();
    boolean before = JniUtils.isGradMode();
    JniUtils.setGradMode(recording);
    return before;
  }

  /** A manager of its own on the default device: a GPU where PyTorch sees one, else the CPU. */
  public static NDManager newManager() {
    return Engine.getEngine(ENGINE).newBaseManager();
  }

  /** A manager of its own on a device. */
  public static NDManager newManager(Device device) {
    return Engine.getEngine(ENGINE).newBaseManager(device);
  }

  /** Frees every array made on this thread until it is closed; nests. */
  public static NDScope scope() {
    return new NDScope();
  }

  /** Takes an array out of the innermost open scope: its caller closes it. */
  public static NDArray keep(NDArray array) {
    NDScope.unregister(array);
    return array;
  }

  /** Takes an array out of the innermost open scope and gives it to a manager, which closes it. */
  public static NDArray own(NDManager owner, NDArray array) {
    NDScope.unregister(array);
    array.attach(owner);
    return array;
  }

  /**
   * Makes one array of which nothing but the result is needed: what was made on the way is freed at
   * once, so that the next step finds its memory warm. While the thread records, the graph needs it
   * all and nothing is freed.
   *
   * @return the result, in the scope that is open outside
   */
  public static NDArray step(Supplier<NDArray> work) {
    if (recording()) {
      return work.get();
    }
    NDArray result;
    try (NDScope scope = scope()) {
      scope.suppressNotUsedWarning();
      result = work.get();
      NDScope.unregister(result);
    }
    NDScope.register(result);
    return result;
  }

  /** How many threads one operation may use. */
  public static int threads() {
    cpuManager();
    return JniUtils.getNumThreads();
  }

  /**
   * Sets how many threads one operation may use, for this thread and those that start computing
   * later. More than there are idle cores makes small operations many times slower.
   *
   * @return how many it were
   */
  public static int setThreads(int threads) {
    int before = threads();
    JniUtils.setNumThreads(threads);
    return before;
  }

  static NDManager cpuManager() {
    return CpuManager.INSTANCE;
  }

  /** Loads the engine when first touched. */
  private static final class CpuManager {
    static final NDManager INSTANCE = newManager(Device.cpu());
  }

  // ---- linear algebra

  /** {@code x w^T}: x [.., in], w [out, in] -> [.., out]. */
  public static NDArray linear(NDArray x, NDArray w) {
    return JniUtils.linear(pt(x), pt(w), null);
  }

  /** {@code x w^T + b}: x [.., in], w [out, in], b [out] -> [.., out]. */
  public static NDArray linear(NDArray x, NDArray w, NDArray b) {
    return JniUtils.linear(pt(x), pt(w), pt(b));
  }

  /** Batched product: [n, a, b] x [n, b, c] -> [n, a, c]. */
  public static NDArray bmm(NDArray x, NDArray y) {
    return JniUtils.bmm(pt(x), pt(y));
  }

  /** Rows of a table: indices [..] of int64, table [n, d] -> [.., d]. */
  public static NDArray gatherRows(NDArray table, NDArray indices) {
    return JniUtils.embedding(pt(indices), pt(table), false);
  }

  /** One value per row along the last axis: x [.., n], indices [..] of int64 -> [..]. */
  public static NDArray pickLast(NDArray x, NDArray indices) {
    int last = x.getShape().dimension() - 1;
    NDArray index = JniUtils.unsqueeze(pt(indices), last);
    return JniUtils.squeeze(JniUtils.gather(pt(x), pt(index), last), last);
  }

  /** Joins along an existing axis. */
  public static NDArray concat(List<NDArray> arrays, int axis) {
    return JniUtils.cat(pt(arrays), axis);
  }

  /** Joins along a new axis. */
  public static NDArray stack(List<NDArray> arrays, int axis) {
    return JniUtils.stack(pt(arrays), axis);
  }

  /** A view of {@code [from, to)} along an axis. */
  public static NDArray slice(NDArray x, int axis, long from, long to) {
    return JniUtils.slice(pt(x), axis, from, to, 1);
  }

  /** A view of one index along an axis, without that axis. */
  public static NDArray select(NDArray x, int axis, long index) {
    return JniUtils.squeeze(JniUtils.slice(pt(x), axis, index, index + 1, 1), axis);
  }

  /** A view with two axes exchanged. */
  public static NDArray swapAxes(NDArray x, int a, int b) {
    return JniUtils.transpose(pt(x), a, b);
  }

  // ---- arithmetic that reuses its first argument when not recording

  /** {@code x + y}, y broadcast to x. */
  public static NDArray addInPlace(NDArray x, NDArray y) {
    if (recording()) {
      return JniUtils.add(pt(x), pt(y));
    }
    JniUtils.addi(pt(x), pt(y));
    return x;
  }

  /** {@code x * y}, y broadcast to x. */
  public static NDArray mulInPlace(NDArray x, NDArray y) {
    if (recording()) {
      return JniUtils.mul(pt(x), pt(y));
    }
    JniUtils.muli(pt(x), pt(y));
    return x;
  }

  public static NDArray mulInPlace(NDArray x, Scalar y) {
    return mulInPlace(x, y.array());
  }

  public static NDArray addInPlace(NDArray x, Scalar y) {
    return addInPlace(x, y.array());
  }

  public static NDArray mul(NDArray x, Scalar y) {
    return JniUtils.mul(pt(x), pt(y.array()));
  }

  /**
   * {@code x * y} for a number that changes from call to call. Its copy lives as long as the open
   * scope, because the gradient reads it: {@link NDArray#mul(Number)} and its like free theirs at
   * once, and a collection of Java's garbage before the backward pass makes the gradient anything.
   */
  public static NDArray mul(NDArray x, float y) {
    return JniUtils.mul(pt(x), pt(x.getManager().create(y)));
  }

  // ---- norms

  /**
   * T5's norm without mean or bias: {@code x / sqrt(mean(x^2) + eps) * weight}.
   *
   * @param x [.., d]; left alone
   * @param rootWidth sqrt(d)
   */
  public static NDArray rmsNorm(NDArray x, NDArray weight, Scalar rootWidth, Scalar eps) {
    int last = x.getShape().dimension() - 1;
    NDArray norm = JniUtils.norm(pt(x), 2, new int[] {last}, true); // [.., 1]
    if (recording()) {
      NDArray root = JniUtils.div(pt(norm), pt(rootWidth.array()));
      NDArray mean = JniUtils.add(JniUtils.mul(pt(root), pt(root)), pt(eps.array()));
      return JniUtils.mul(JniUtils.div(pt(x), JniUtils.sqrt(pt(mean))), pt(weight));
    }
    JniUtils.divi(pt(norm), pt(rootWidth.array()));
    JniUtils.muli(pt(norm), pt(norm));
    JniUtils.addi(pt(norm), pt(eps.array()));
    PtNDArray y = JniUtils.div(pt(x), JniUtils.sqrt(pt(norm)));
    JniUtils.muli(y, pt(weight));
    return y;
  }

  /** The ordinary layer norm over the last axis; weight and bias [d], never null. */
  public static NDArray layerNorm(NDArray x, NDArray weight, NDArray bias, double eps) {
    Shape width = new Shape(weight.getShape().get(0));
    return JniUtils.layerNorm(pt(x), width, pt(weight), pt(bias), eps);
  }

  /** Scales the last axis to length 1; what is all 0 stays so. */
  public static NDArray unitLength(NDArray x) {
    int last = x.getShape().dimension() - 1;
    NDArray norm = JniUtils.norm(pt(x), 2, new int[] {last}, true); // [.., 1]
    return JniUtils.div(pt(x), JniUtils.add(pt(norm), pt(LEAST_LENGTH.array())));
  }

  // ---- activations, through Activation

  static NDArray relu(NDArray x) {
    return JniUtils.relu(pt(x));
  }

  static NDArray tanh(NDArray x) {
    return JniUtils.tanh(pt(x));
  }

  static NDArray gelu(NDArray x) {
    return JniUtils.gelu(pt(x));
  }

  static NDArray swish(NDArray x) {
    return mulInPlace(x, JniUtils.sigmoid(pt(x)));
  }

  static NDArray geluNew(NDArray x) {
    NDArray inner = JniUtils.mul(pt(x), pt(x));
    inner = mulInPlace(inner, GELU_CUBIC);
    inner = addInPlace(inner, GELU_LINEAR);
    inner = mulInPlace(inner, x);
    return mulInPlace(x, JniUtils.sigmoid(pt(inner)));
  }

  // ---- probabilities

  /** Softmax over the last axis. */
  public static NDArray softmax(NDArray x) {
    return JniUtils.softmax(pt(x), -1, x.getDataType());
  }

  /** Log-softmax over the last axis. */
  public static NDArray logSoftmax(NDArray x) {
    return JniUtils.logSoftmax(pt(x), -1, x.getDataType());
  }

  /** Index of the largest value of the last axis, int64. */
  public static NDArray argMax(NDArray x) {
    return JniUtils.argMax(pt(x), -1, false);
  }

  /** The k largest values of the last axis, largest first: values [.., k] and int64 indices. */
  public static NDList topK(NDArray x, int k) {
    return JniUtils.topK(pt(x), k, -1, true, true);
  }

  // ---- inputs

  /**
   * An additive attention mask: 0 where a key counts, {@code -distance} where it is padding.
   *
   * @param mask [B, S], 1 or 0
   * @return [B, 1, 1, S]
   */
  public static NDArray keyMask(NDArray mask, Scalar distance) {
    Shape shape = mask.getShape();
    NDArray inverted = JniUtils.sub(pt(mask), pt(ONE.array()));
    return mulInPlace(inverted, distance).reshape(shape.get(0), 1, 1, shape.get(1));
  }

  /**
   * Refuses types that the native library cannot take: bfloat16 ends the process.
   *
   * @throws IllegalArgumentException with the array's name
   */
  public static NDArray requireFloat32(NDArray array) {
    if (array.getDataType() != DataType.FLOAT32) {
      throw new IllegalArgumentException(
          "tensor '" + array.getName() + "' must be FLOAT32; it is " + array.getDataType());
    }
    return array;
  }

  private static PtNDArray pt(NDArray array) {
    return (PtNDArray) array;
  }

  private static PtNDArray[] pt(List<NDArray> arrays) {
    PtNDArray[] out = new PtNDArray[arrays.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = (PtNDArray) arrays.get(i);
    }
    return out;
  }
}
