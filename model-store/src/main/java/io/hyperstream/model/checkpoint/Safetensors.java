package io.hyperstream.model.checkpoint;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.ShortBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A safetensors file. The header is checked when it is opened; each tensor is mapped on its own
 * when it is read, so a file may be of any size while one tensor stays below 2 GiB. Immutable, any
 * thread; holds no file open.
 */
public final class Safetensors implements TensorSource {
  private final Path file;
  private final long fileBytes;
  private final SafetensorsHeader header;

  private Safetensors(Path file, long fileBytes, SafetensorsHeader header) {
    this.file = file;
    this.fileBytes = fileBytes;
    this.header = header;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws IOException if it cannot be read
   * @throws CheckpointException if it is damaged or no safetensors file
   */
  public static Safetensors open(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return new Safetensors(file, channel.size(), SafetensorsHeader.read(file, channel));
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(header.tensors().keySet());
  }

  /** The header's free-form entries. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  @Override
  public String origin() {
    return file.toString();
  }

  @Override
  public TensorInfo info(String name) {
    TensorInfo info = header.tensors().get(name);
    if (info == null) {
      throw missing(name);
    }
    return info;
  }

  @Override
  public NDArray read(NDManager manager, String name) {
    TensorInfo info = info(name);
    NDArray array =
        switch (info.dtype()) {
          case "F32" -> create(manager, info, DataType.FLOAT32, 4);
          case "I64" -> create(manager, info, DataType.INT64, 8);
          case "I32" -> create(manager, info, DataType.INT32, 4);
          case "U8" -> create(manager, info, DataType.UINT8, 1);
          case "F16" -> widen(create(manager, info, DataType.FLOAT16, 2));
          case "BF16" -> widenBrainFloat(manager, info);
          default ->
              throw new CheckpointException(
                  file
                      + ": tensor '"
                      + name
                      + "' is of dtype "
                      + info.dtype()
                      + "; this reader loads F32, F16, BF16, I64, I32 and U8");
        };
    array.setName(name);
    NDScope.unregister(array);
    return array;
  }

  /** An exponent of ones only stands for NaN and infinity, in every width. */
  @Override
  public OptionalLong firstNotFinite(String name) {
    TensorInfo info = info(name);
    return switch (info.dtype()) {
      case "F32" -> firstNotFinite(map(info).asIntBuffer());
      case "F16" -> firstNotFinite(map(info).asShortBuffer(), 0x7c00);
      case "BF16" -> firstNotFinite(map(info).asShortBuffer(), 0x7f80);
      default -> OptionalLong.empty();
    };
  }

  private static OptionalLong firstNotFinite(IntBuffer bits) {
    int exponent = 0x7f800000;
    for (int i = 0; i < bits.limit(); i++) {
      if ((bits.get(i) & exponent) == exponent) {
        return OptionalLong.of(i);
      }
    }
    return OptionalLong.empty();
  }

  private static OptionalLong firstNotFinite(ShortBuffer bits, int exponent) {
    for (int i = 0; i < bits.limit(); i++) {
      if ((bits.get(i) & exponent) == exponent) {
        return OptionalLong.of(i);
      }
    }
    return OptionalLong.empty();
  }

  private NDArray create(NDManager manager, TensorInfo info, DataType type, int width) {
    if (info.bytes() == 0) {
      return manager.create(new Shape(info.shape()), type);
    }
    ByteBuffer data = map(info);
    if (info.begin() % width != 0) { // native code wants aligned values
      ByteBuffer copy = ByteBuffer.allocateDirect(data.remaining());
      data = copy.put(data).flip().order(ByteOrder.LITTLE_ENDIAN);
    }
    return manager.create(data, new Shape(info.shape()), type);
  }

  private static NDArray widen(NDArray half) {
    NDArray array = half.toType(DataType.FLOAT32, true);
    half.close();
    return array;
  }

  /** In Java: a bfloat16 tensor ends the native library's process. */
  private NDArray widenBrainFloat(NDManager manager, TensorInfo info) {
    if (info.bytes() == 0) {
      return manager.create(new Shape(info.shape()), DataType.FLOAT32);
    }
    ShortBuffer from = map(info).asShortBuffer();
    int n = from.remaining();
    if (n > Integer.MAX_VALUE / Float.BYTES) {
      throw tooLarge(info);
    }
    ByteBuffer data = ByteBuffer.allocateDirect(n * Float.BYTES).order(ByteOrder.nativeOrder());
    IntBuffer to = data.asIntBuffer();
    for (int i = 0; i < n; i++) {
      to.put(i, from.get(i) << 16);
    }
    return manager.create(data, new Shape(info.shape()), DataType.FLOAT32);
  }

  private ByteBuffer map(TensorInfo info) {
    if (info.bytes() > Integer.MAX_VALUE) {
      throw tooLarge(info);
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      if (channel.size() != fileBytes) {
        throw new CheckpointException(
            file
                + " changed since it was opened: it had "
                + fileBytes
                + " bytes and has "
                + channel.size());
      }
      return channel
          .map(FileChannel.MapMode.READ_ONLY, info.begin(), info.bytes())
          .order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot map tensor '" + info.name() + "'", e);
    }
  }

  private CheckpointException tooLarge(TensorInfo info) {
    return new CheckpointException(
        file
            + ": tensor '"
            + info.name()
            + "' is too large: one tensor must stay below 2 GiB in memory; it has "
            + info.bytes()
            + " bytes of "
            + info.dtype());
  }
}
