package io.hyperstream.model.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Parses and checks a safetensors header: 8 bytes of length, JSON, then data that the entries cover
 * without gap or overlap. Nothing in it is believed before it is checked against the file's size.
 */
final class SafetensorsHeader {
  /** The format's own limit. */
  static final long MAX_HEADER_BYTES = 100_000_000;

  static final String METADATA = "__metadata__";

  private static final Map<String, Integer> DTYPE_BYTES =
      Map.ofEntries(
          Map.entry("F64", 8),
          Map.entry("F32", 4),
          Map.entry("F16", 2),
          Map.entry("BF16", 2),
          Map.entry("F8_E4M3", 1),
          Map.entry("F8_E5M2", 1),
          Map.entry("I64", 8),
          Map.entry("I32", 4),
          Map.entry("I16", 2),
          Map.entry("I8", 1),
          Map.entry("U64", 8),
          Map.entry("U32", 4),
          Map.entry("U16", 2),
          Map.entry("U8", 1),
          Map.entry("BOOL", 1));

  private static final ObjectMapper MAPPER =
      new ObjectMapper(
          JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build());

  private final Path file;
  private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private SafetensorsHeader(Path file) {
    this.file = file;
  }

  Map<String, TensorInfo> tensors() {
    return tensors;
  }

  Map<String, String> metadata() {
    return metadata;
  }

  static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
    SafetensorsHeader header = new SafetensorsHeader(file);
    long fileBytes = channel.size();
    if (fileBytes < 8) {
      throw header.bad("is " + fileBytes + " bytes long; a header length alone takes 8");
    }
    ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    header.readFully(channel, length, 0);
    long headerBytes = length.getLong(0);
    if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES) {
      throw header.bad(
          "says its header has "
              + headerBytes
              + " bytes; it must be 2 to "
              + MAX_HEADER_BYTES
              + " (not a safetensors file?)");
    }
    if (headerBytes > fileBytes - 8) {
      throw header.bad(
          "is cut off: its header has "
              + headerBytes
              + " bytes and the file only "
              + (fileBytes - 8)
              + " after the length");
    }
    ByteBuffer json = ByteBuffer.allocate((int) headerBytes);
    header.readFully(channel, json, 8);
    header.parse(json.array(), 8 + headerBytes, fileBytes);
    header.checkCoverage(8 + headerBytes, fileBytes);
    return header;
  }

  private void readFully(FileChannel channel, ByteBuffer into, long at) throws IOException {
    while (into.hasRemaining()) {
      int n = channel.read(into, at + into.position());
      if (n < 0) {
        throw bad("ended while its header was read");
      }
    }
  }

  private void parse(byte[] json, long dataStart, long fileBytes) {
    if (json[0] != '{') {
      throw bad("has a header that does not start with '{' (not a safetensors file?)");
    }
    try (JsonParser parser = MAPPER.createParser(json)) {
      parser.nextToken();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        parser.nextToken();
        JsonNode entry = MAPPER.readTree(parser);
        if (name.equals(METADATA)) {
          entry.properties().forEach(e -> metadata.put(e.getKey(), e.getValue().asText()));
        } else {
          tensors.put(name, entry(name, entry, dataStart, fileBytes));
        }
      }
      if (parser.nextToken() != null) {
        throw bad("has something after its header's JSON object");
      }
    } catch (IOException e) {
      throw new CheckpointException(
          file + " has a header that is not valid JSON: " + e.getMessage(), e);
    }
  }

  private TensorInfo entry(String name, JsonNode entry, long dataStart, long fileBytes) {
    JsonNode dtypeNode = entry.path("dtype");
    Integer width = DTYPE_BYTES.get(dtypeNode.asText());
    if (!dtypeNode.isTextual() || width == null) {
      throw bad(name, "has the unknown dtype " + dtypeNode);
    }
    long[] shape = longs(name, entry, "shape");
    long[] offsets = longs(name, entry, "data_offsets");
    if (offsets.length != 2) {
      throw bad(name, "needs two data_offsets; it has " + entry.path("data_offsets"));
    }
    if (offsets[1] < offsets[0] || offsets[1] > fileBytes - dataStart) {
      throw bad(
          name,
          "claims bytes "
              + offsets[0]
              + " to "
              + offsets[1]
              + " of "
              + (fileBytes - dataStart)
              + " bytes of data (a truncated file?)");
    }
    long bytes = byteCount(name, shape, width);
    if (bytes != offsets[1] - offsets[0]) {
      throw bad(
          name,
          "of shape "
              + entry.path("shape")
              + " and dtype "
              + dtypeNode.asText()
              + " needs "
              + bytes
              + " bytes; its offsets give it "
              + (offsets[1] - offsets[0]));
    }
    return new TensorInfo(name, dtypeNode.asText(), shape, dataStart + offsets[0], bytes);
  }

  private long[] longs(String name, JsonNode entry, String field) {
    JsonNode array = entry.path(field);
    if (!array.isArray()) {
      throw bad(name, "has no array '" + field + "'");
    }
    long[] out = new long[array.size()];
    for (int i = 0; i < out.length; i++) {
      JsonNode n = array.get(i);
      if (!n.isIntegralNumber() || !n.canConvertToLong() || n.longValue() < 0) {
        throw bad(name, "has '" + field + "' " + array + "; expected non-negative integers");
      }
      out[i] = n.longValue();
    }
    return out;
  }

  private long byteCount(String name, long[] shape, int width) {
    try {
      long bytes = width;
      for (long n : shape) {
        bytes = Math.multiplyExact(bytes, n);
      }
      return bytes;
    } catch (ArithmeticException e) {
      throw new CheckpointException(file + ": tensor '" + name + "' has an impossible shape", e);
    }
  }

  /** The format allows neither gaps nor overlaps nor bytes at the end. */
  private void checkCoverage(long dataStart, long fileBytes) {
    List<TensorInfo> sorted = new ArrayList<>(tensors.values());
    sorted.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::bytes));
    long end = dataStart;
    for (TensorInfo tensor : sorted) {
      if (tensor.begin() != end) {
        throw bad(
            tensor.name(),
            (tensor.begin() < end ? "overlaps the tensor before it" : "leaves a gap before it")
                + ": it begins at byte "
                + (tensor.begin() - dataStart)
                + " of the data, expected "
                + (end - dataStart));
      }
      end = tensor.begin() + tensor.bytes();
    }
    if (end != fileBytes) {
      throw bad("has " + (fileBytes - end) + " bytes at its end that belong to no tensor");
    }
  }

  private CheckpointException bad(String what) {
    return new CheckpointException(file + " " + what);
  }

  private CheckpointException bad(String tensor, String what) {
    return new CheckpointException(file + ": tensor '" + tensor + "' " + what);
  }
}
