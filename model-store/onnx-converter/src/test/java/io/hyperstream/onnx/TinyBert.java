package io.hyperstream.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An ONNX file of a BERT encoder so small that a test can see through it: width 4, inner width 6,
 * two layers, seven words, five positions. Written field by field, as {@code torch.onnx} does.
 */
final class TinyBert {
  static final int WIDTH = 4;
  static final int INNER = 6;
  static final int LAYERS = 2;

  private record Stored(List<Integer> shape, int type, byte[] data, boolean packed) {}

  private final Map<String, Stored> initializers = new LinkedHashMap<>();
  private final List<byte[]> nodes = new ArrayList<>();
  private float next;

  TinyBert() {
    add("embeddings.word_embeddings.weight", 7, WIDTH);
    add("embeddings.position_embeddings.weight", 5, WIDTH);
    add("embeddings.token_type_embeddings.weight", 2, WIDTH);
    add("embeddings.LayerNorm.weight", WIDTH);
    add("embeddings.LayerNorm.bias", WIDTH);
    for (int i = 0; i < LAYERS; i++) {
      String layer = "encoder.layer." + i + ".";
      linear(layer + "attention.self.query", WIDTH, WIDTH);
      linear(layer + "attention.self.key", WIDTH, WIDTH);
      linear(layer + "attention.self.value", WIDTH, WIDTH);
      linear(layer + "attention.output.dense", WIDTH, WIDTH);
      add(layer + "attention.output.LayerNorm.weight", WIDTH);
      add(layer + "attention.output.LayerNorm.bias", WIDTH);
      linear(layer + "intermediate.dense", WIDTH, INNER);
      linear(layer + "output.dense", INNER, WIDTH);
      add(layer + "output.LayerNorm.weight", WIDTH);
      add(layer + "output.LayerNorm.bias", WIDTH);
    }
  }

  /** Where an export puts the matrix of a linear layer. */
  static String matrix(String linear) {
    return "onnx::MatMul_" + Integer.toHexString(linear.hashCode());
  }

  private void linear(String name, int in, int out) {
    add(matrix(name), in, out);
    add(name + ".bias", out);
    node("MatMul", List.of(name + "/x", matrix(name)), name + "/product");
    node("Add", List.of(name + ".bias", name + "/product"), name + "/sum");
  }

  /** Values count up in eighths over the whole file, which float16 can hold. */
  TinyBert add(String name, Integer... shape) {
    int count = 1;
    for (int n : shape) {
      count *= n;
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = next++ / 8;
    }
    return put(name, values, shape);
  }

  TinyBert put(String name, float[] values, Integer... shape) {
    ByteBuffer data = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    return store(name, OnnxGraph.FLOAT, data.array(), shape);
  }

  TinyBert store(String name, int type, byte[] data, Integer... shape) {
    initializers.put(name, new Stored(List.of(shape), type, data, false));
    return this;
  }

  /** Stores a tensor with the two fields of which writers may choose the other. */
  TinyBert pack(String name) {
    Stored stored = initializers.get(name);
    initializers.put(name, new Stored(stored.shape(), stored.type(), stored.data(), true));
    return this;
  }

  TinyBert remove(String name) {
    initializers.remove(name);
    return this;
  }

  TinyBert removeLayer(int i) {
    initializers.keySet().removeIf(name -> name.startsWith("encoder.layer." + i + "."));
    return this;
  }

  TinyBert removeNodes() {
    nodes.clear();
    return this;
  }

  TinyBert node(String op, List<String> inputs, String output) {
    nodes.add(
        message(
            out -> {
              for (String input : inputs) {
                out.writeString(1, input);
              }
              out.writeString(2, output);
              out.writeString(3, "/" + output); // its own name, which nobody reads
              out.writeString(4, op);
            }));
    return this;
  }

  float[] values(String name) {
    Stored stored = initializers.get(name);
    float[] values = new float[stored.data().length / 4];
    ByteBuffer.wrap(stored.data()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  byte[] bytes() {
    byte[] graph =
        message(
            out -> {
              for (byte[] node : nodes) {
                out.writeByteArray(1, node);
              }
              out.writeString(2, "torch_jit");
              for (Map.Entry<String, Stored> entry : initializers.entrySet()) {
                out.writeByteArray(5, tensor(entry.getKey(), entry.getValue()));
              }
            });
    return message(
        out -> {
          out.writeInt64(1, 6);
          out.writeString(2, "pytorch");
          out.writeByteArray(7, graph);
          out.writeByteArray(8, message(opset -> opset.writeInt64(2, 11)));
        });
  }

  OnnxGraph graph() throws IOException {
    return OnnxReader.read(bytes(), "tiny.onnx");
  }

  private static byte[] tensor(String name, Stored stored) {
    return message(
        out -> {
          if (stored.packed()) {
            out.writeByteArray(
                1, message(dims -> stored.shape().forEach(n -> quietly(dims, n.longValue()))));
            out.writeBytes(4, ByteString.copyFrom(stored.data()));
          } else {
            for (long dim : stored.shape()) {
              out.writeInt64(1, dim);
            }
            out.writeBytes(9, ByteString.copyFrom(stored.data()));
          }
          out.writeInt32(2, stored.type());
          out.writeString(8, name);
        });
  }

  private static void quietly(CodedOutputStream out, long value) {
    try {
      out.writeInt64NoTag(value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes into memory. */
  interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    try {
      fields.write(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }
}
