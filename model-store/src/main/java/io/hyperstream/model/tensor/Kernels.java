package io.hyperstream.model.tensor;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernels of {@code src/main/torchscript}: many operations of libtorch as one call, some of
 * which DJL has no call for. Loaded once per kind of device and never freed.
 *
 * <p>On a CPU products go through oneDNN with packed weights. Where libtorch lacks that (or on a
 * GPU) the same kernels run with PyTorch's own products; a log line says so once.
 *
 * <p>Any thread may call them, several at once. They keep the calling thread's number of threads
 * ({@link Ops#setThreads}) and have no gradients: {@link #call} refuses a thread that records.
 * Results live in the caller's scope, and may be read but not changed in place. A packed weight is
 * opaque: hand it to kernels, ask it for nothing, close it as any array.
 */
public final class Kernels {
  private static final Logger LOG = LoggerFactory.getLogger(Kernels.class);
  private static final String FOLDER = "kernels/";
  private static final List<String> FILES =
      List.of("activation", "attention", "adapters", "bert", "t5");

  /** A pickled object of the class Kernels without attributes. */
  private static final String OBJECT = "\u0080\u0002c__torch__\nKernels\n)\u0081}b.";

  private static final String NO_CONSTANTS = "\u0080\u0002).";

  /** Of libtorch's file format: operators mean what they mean today. */
  private static final String FORMAT = "10\n";

  private final PtSymbolBlock module;
  private final boolean packed;
  private final boolean bf16;

  private Kernels(PtSymbolBlock module, boolean packed, boolean bf16) {
    this.module = module;
    this.packed = packed;
    this.bf16 = bf16;
  }

  private static final class OnCpu {
    static final Kernels INSTANCE = load(Device.cpu(), "linear_packed");
  }

  private static final class OnGpu {
    static final Kernels INSTANCE =
        new Kernels(open(Ops.newManager(), "linear_plain"), false, true);
  }

  /** The kernels for arrays of a device. */
  public static Kernels of(Device device) {
    return device.isGpu() ? OnGpu.INSTANCE : OnCpu.INSTANCE;
  }

  /** With PyTorch's own products, whatever libtorch has: for comparison. */
  public static Kernels plain() {
    return new Kernels(open(Ops.cpuManager(), "linear_plain"), false, true);
  }

  /**
   * The kernels with packed products, or with plain ones where those cannot be computed.
   *
   * @param products the file that has them
   */
  static Kernels load(Device device, String products) {
    try {
      Kernels kernels = new Kernels(open(Ops.newManager(device), products), true, false);
      kernels.tryProduct(Precision.F32);
      return new Kernels(kernels.module, true, kernels.computes(Precision.BF16));
    } catch (RuntimeException e) { // what DJL makes of any C++ exception
      LOG.info(
          "This libtorch has no oneDNN products with packed weights; using its plain ones ({})",
          e.getMessage().lines().filter(line -> !line.isBlank()).findFirst().orElse(""));
      return plain();
    }
  }

  private boolean computes(Precision precision) {
    try {
      tryProduct(precision);
      return true;
    } catch (RuntimeException e) { // oneDNN has no such product for this processor
      LOG.debug("No packed products in {}", precision.configName(), e);
      return false;
    }
  }

  private void tryProduct(Precision precision) {
    boolean recording = Ops.setRecording(false);
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray ones = Ops.cpuManager().ones(new Shape(16, 16));
      NDArray weight = call("pack", ones, precision.kind());
      NDArray product = call("linear", ones, weight, call("to_kind", ones, precision.kind()));
      if (product.getFloat(0, 0) != 16) {
        throw new IllegalStateException("a product of ones is " + product.getFloat(0, 0));
      }
    } finally {
      Ops.setRecording(recording);
    }
  }

  /**
   * Whether products in bfloat16 can be computed; oneDNN has none for processors with AVX2 only.
   */
  public boolean bf16() {
    return bf16;
  }

  /** Whether weights are packed for oneDNN. */
  public boolean packed() {
    return packed;
  }

  /**
   * Calls a kernel.
   *
   * @param method of {@code kernels.py}
   * @param arguments arrays, lists of arrays, arrays of long, Integer, Double, Boolean or String,
   *     as the kernel declares them
   * @throws IllegalStateException if the thread records gradients
   */
  public NDArray call(String method, Object... arguments) {
    if (Ops.recording()) {
      throw new IllegalStateException("kernels have no gradients; call them without recording");
    }
    PtNDManager manager = null;
    IValue[] values = new IValue[arguments.length];
    try {
      for (int i = 0; i < values.length; i++) {
        if (manager == null && arguments[i] instanceof PtNDArray array) {
          manager = array.getManager();
        }
        values[i] = value(arguments[i]);
      }
      try (IValue result = IValueUtils.runMethod(module, method, values)) {
        return result.toTensor(manager);
      }
    } finally {
      for (IValue value : values) {
        if (value != null) {
          value.close();
        }
      }
    }
  }

  private static IValue value(Object argument) {
    if (argument instanceof PtNDArray array) {
      return IValue.from(array);
    }
    if (argument instanceof List<?> arrays) {
      return IValue.listFrom(arrays.stream().map(PtNDArray.class::cast).toArray(PtNDArray[]::new));
    }
    if (argument instanceof long[] numbers) {
      return IValue.listFrom(numbers);
    }
    if (argument instanceof Integer number) {
      return IValue.from((long) number);
    }
    if (argument instanceof Double number) {
      return IValue.from((double) number);
    }
    if (argument instanceof Boolean flag) {
      return IValue.from((boolean) flag);
    }
    return IValue.from((String) argument);
  }

  private static PtSymbolBlock open(NDManager manager, String products) {
    try {
      byte[] archive = archive(products);
      return JniUtils.loadModule(
          (PtNDManager) manager, new ByteArrayInputStream(archive), false, false);
    } catch (IOException e) {
      throw new UncheckedIOException("the kernels cannot be read from the class path", e);
    }
  }

  /** What torch.jit.load reads: a zip without compression, everything in one folder. */
  static byte[] archive(String products) throws IOException {
    Map<String, String> code = new LinkedHashMap<>();
    code.put("__torch__.py", source("kernels"));
    code.put("__torch__/linear.py", source(products));
    for (String file : FILES) {
      code.put("__torch__/" + file + ".py", source(file));
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      put(zip, "data.pkl", OBJECT.getBytes(StandardCharsets.ISO_8859_1));
      for (Map.Entry<String, String> file : code.entrySet()) {
        put(zip, "code/" + file.getKey(), file.getValue().getBytes(StandardCharsets.UTF_8));
      }
      put(zip, "constants.pkl", NO_CONSTANTS.getBytes(StandardCharsets.ISO_8859_1));
      put(zip, "version", FORMAT.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
    ZipEntry entry = new ZipEntry(FOLDER + name);
    CRC32 checksum = new CRC32();
    checksum.update(content);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(checksum.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }

  private static String source(String name) throws IOException {
    try (InputStream in = Kernels.class.getResourceAsStream(FOLDER + name + ".py")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
