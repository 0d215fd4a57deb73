package io.hyperstream.onnx;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.Collectors;

/** Writes weights as safetensors, sorted by name: the same weights always give the same bytes. */
final class SafetensorsFile {
  /** How a number is written. */
  enum Format {
    /** Four bytes, as ONNX stores it. */
    F32(4),
    /** Two bytes; only for weights that lose nothing. */
    F16(2);

    private final int width;

    Format(int width) {
      this.width = width;
    }
  }

  private SafetensorsFile() {}

  /**
   * Writes beside the target and moves it into place.
   *
   * @throws IOException if it cannot be written, or a weight is not a number that the format holds
   */
  static void write(Path file, SortedMap<String, BertWeights.Tensor> tensors, Format format)
      throws IOException {
    Path aside = file.resolveSibling(file.getFileName() + ".tmp");
    try (FileChannel channel =
        FileChannel.open(
            aside,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      byte[] header = header(tensors, format);
      ByteBuffer start = littleEndian(Long.BYTES + header.length);
      writeFully(channel, start.putLong(header.length).put(header).flip());
      for (BertWeights.Tensor tensor : tensors.values()) {
        writeFully(channel, bytes(tensor, format));
      }
    } catch (IOException e) {
      Files.deleteIfExists(aside);
      throw new IOException(file + " was not written: " + e.getMessage(), e);
    }
    Files.move(aside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** JSON, padded with blanks so that the data is aligned. Names hold nothing to be escaped. */
  private static byte[] header(SortedMap<String, BertWeights.Tensor> tensors, Format format) {
    // Hugging Face's own reader refuses a file that does not say whose tensors they are.
    StringBuilder json = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    long offset = 0;
    for (BertWeights.Tensor tensor : tensors.values()) {
      long end = offset + (long) tensor.stored().remaining() * format.width;
      json.append(",\"").append(tensor.name()).append("\":{\"dtype\":\"").append(format);
      json.append("\",\"shape\":").append(json(tensor.shape()));
      json.append(",\"data_offsets\":").append(json(List.of(offset, end))).append('}');
      offset = end;
    }
    json.append('}');
    return json.append(" ".repeat((8 - json.length() % 8) % 8))
        .toString()
        .getBytes(StandardCharsets.US_ASCII);
  }

  private static String json(List<? extends Number> numbers) {
    return numbers.stream().map(Number::toString).collect(Collectors.joining(",", "[", "]"));
  }

  private static ByteBuffer bytes(BertWeights.Tensor tensor, Format format) throws IOException {
    float[] values = tensor.values();
    ByteBuffer out = littleEndian(Math.multiplyExact(values.length, format.width));
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new IOException(tensor.name() + " has the value " + value + "; the model is damaged");
      }
      switch (format) {
        case F32 -> out.putFloat(value);
        case F16 -> {
          if (!HalfPrecision.holds(value)) {
            throw new IOException(
                tensor.name()
                    + " has the value "
                    + value
                    + ", which float16 would round;"
                    + " convert with --f32, at twice the size");
          }
          out.putShort(HalfPrecision.narrow(value));
        }
      }
    }
    return out.flip();
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void writeFully(FileChannel channel, ByteBuffer data) throws IOException {
    while (data.hasRemaining()) {
      channel.write(data);
    }
  }
}
