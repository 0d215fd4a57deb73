package io.hyperstream.model.checkpoint;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Writes a safetensors file: the same tensors always give the same bytes. What is added is copied;
 * what is {@linkplain #stream streamed} goes from the tensor's own memory to the disk. One tensor
 * stays below 2 GiB. One thread.
 */
public final class SafetensorsWriter {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private record Entry(
      String name, String dtype, int width, long[] shape, Supplier<ByteBuffer> data) {
    long bytes() {
      long bytes = width;
      for (long n : shape) {
        bytes *= n;
      }
      return bytes;
    }
  }

  private final Map<String, String> metadata = new TreeMap<>();
  private final List<Entry> entries = new ArrayList<>();
  private final Set<String> names = new HashSet<>();

  /** A free-form entry of the header. */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** Adds an array as it is: float32, float16, int64 or int32. */
  public SafetensorsWriter add(String name, NDArray array) {
    ByteBuffer data = array.toByteBuffer(false);
    return add(name, dtype(name, array), array.getShape().getShape(), () -> data);
  }

  /**
   * Adds an array whose values are read only when the file is written, without a copy in the heap:
   * it must stay open, and as it is, until then.
   */
  public SafetensorsWriter stream(String name, NDArray array) {
    long[] shape = array.getShape().getShape();
    return add(name, dtype(name, array), shape, () -> array.toByteBuffer(true));
  }

  private static String dtype(String name, NDArray array) {
    return switch (array.getDataType()) {
      case FLOAT32 -> "F32";
      case FLOAT16 -> "F16";
      case INT64 -> "I64";
      case INT32 -> "I32";
      default ->
          throw new IllegalArgumentException(
              "tensor '" + name + "' is of type " + array.getDataType() + "; cannot write it");
    };
  }

  /** Adds a float array rounded to float16: half the size, about three decimal digits. */
  public SafetensorsWriter addHalf(String name, NDArray array) {
    try (NDArray half = array.toType(DataType.FLOAT16, true)) {
      return add(name, half);
    }
  }

  /** Adds float32 values. */
  public SafetensorsWriter add(String name, float[] values, long... shape) {
    ByteBuffer data =
        ByteBuffer.allocate(Math.multiplyExact(values.length, 4)).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    SafetensorsWriter added = add(name, "F32", shape, () -> data);
    long bytes = entries.get(entries.size() - 1).bytes();
    if (bytes != data.remaining()) {
      throw new IllegalArgumentException(
          "tensor '" + name + "' needs " + bytes + " bytes; it has " + data.remaining());
    }
    return added;
  }

  private SafetensorsWriter add(
      String name, String dtype, long[] shape, Supplier<ByteBuffer> data) {
    if (name.equals(SafetensorsHeader.METADATA) || !names.add(name)) {
      throw new IllegalArgumentException("tensor '" + name + "' is there already");
    }
    int width = dtype.equals("I64") ? 8 : dtype.equals("F16") ? 2 : 4;
    entries.add(new Entry(name, dtype, width, shape.clone(), data));
    return this;
  }

  /** Writes beside the target, forces it to disk and moves it into place. */
  public void write(Path file) throws IOException {
    sort();
    byte[] header = header();
    Path aside = file.resolveSibling(file.getFileName() + ".tmp");
    try (FileChannel channel =
        FileChannel.open(
            aside,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      writeFully(channel, length.putLong(0, header.length));
      writeFully(channel, ByteBuffer.wrap(header));
      for (Entry entry : entries) {
        writeValues(channel, entry);
      }
      channel.force(true);
    }
    Files.move(aside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** The file's bytes, below 2 GiB. */
  public byte[] toBytes() {
    sort();
    byte[] header = header();
    long size = Long.BYTES + (long) header.length;
    for (Entry entry : entries) {
      size += entry.bytes();
    }
    ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(size)).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(header.length).put(header);
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      entries.forEach(entry -> out.put(entry.data().get().duplicate()));
    }
    return out.array();
  }

  /** Wide values first keep every tensor aligned. */
  private void sort() {
    entries.sort(Comparator.comparingInt((Entry e) -> -e.width()).thenComparing(Entry::name));
  }

  private byte[] header() {
    ObjectNode root = MAPPER.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode node = root.putObject(SafetensorsHeader.METADATA);
      metadata.forEach(node::put);
    }
    long offset = 0;
    for (Entry entry : entries) {
      ObjectNode node = root.putObject(entry.name());
      node.put("dtype", entry.dtype());
      var shape = node.putArray("shape");
      for (long n : entry.shape()) {
        shape.add(n);
      }
      node.putArray("data_offsets").add(offset).add(offset + entry.bytes());
      offset += entry.bytes();
    }
    String json = root.toString();
    int bytes = json.getBytes(StandardCharsets.UTF_8).length;
    return (json + " ".repeat((8 - bytes % 8) % 8)).getBytes(StandardCharsets.UTF_8);
  }

  private static void writeValues(FileChannel channel, Entry entry) throws IOException {
    try (NDScope scope = Ops.scope()) { // what another device's values are brought over in
      scope.suppressNotUsedWarning();
      ByteBuffer data = entry.data().get().duplicate();
      if (data.remaining() != entry.bytes()) {
        throw new IllegalStateException(
            "tensor '" + entry.name() + "' changed its size to " + data.remaining() + " bytes");
      }
      writeFully(channel, data);
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer data) throws IOException {
    while (data.hasRemaining()) {
      channel.write(data);
    }
  }
}
