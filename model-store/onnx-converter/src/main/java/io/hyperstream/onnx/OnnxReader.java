package io.hyperstream.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import io.hyperstream.onnx.OnnxGraph.Initializer;
import io.hyperstream.onnx.OnnxGraph.Node;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads an ONNX model's graph off the wire: of the format's hundred fields, ten. Weights are not
 * copied, they are views of the bytes given. Nothing is believed that the bytes do not bear out.
 */
final class OnnxReader {
  // The tags of onnx.proto: a field's number and how it is written.
  private static final int MODEL_GRAPH = message(7);
  private static final int GRAPH_NODE = message(1);
  private static final int GRAPH_INITIALIZER = message(5);
  private static final int NODE_INPUT = message(1);
  private static final int NODE_OUTPUT = message(2);
  private static final int NODE_OP_TYPE = message(4);
  private static final int TENSOR_DIM = number(1);
  private static final int TENSOR_DIMS_PACKED = message(1);
  private static final int TENSOR_DATA_TYPE = number(2);
  private static final int TENSOR_FLOAT_DATA_PACKED = message(4); // the same bytes as raw data
  private static final int TENSOR_NAME = message(8);
  private static final int TENSOR_RAW_DATA = message(9);
  private static final int TENSOR_EXTERNAL_DATA = message(13);

  private final CodedInputStream in;
  private final int size;
  private final String origin;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Initializer> initializers = new HashMap<>();

  private OnnxReader(byte[] model, String origin) {
    this.in = CodedInputStream.newInstance(model);
    this.size = model.length;
    this.origin = origin;
    in.enableAliasing(true);
  }

  private static int message(int field) {
    return field << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;
  }

  private static int number(int field) {
    return field << 3 | WireFormat.WIRETYPE_VARINT;
  }

  /**
   * Reads a model.
   *
   * @param model the file's bytes, which must not change while the graph is in use
   * @param origin its name, for messages
   * @throws IOException if it is no ONNX model, is cut off or keeps its weights elsewhere
   */
  static OnnxGraph read(byte[] model, String origin) throws IOException {
    return new OnnxReader(model, origin).model();
  }

  private OnnxGraph model() throws IOException {
    boolean hasGraph = false;
    try {
      in.pushLimit(size); // or a message could claim to go on after the end
      for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
        if (tag == MODEL_GRAPH) {
          hasGraph = true;
          nested(this::graph);
        } else {
          in.skipField(tag);
        }
      }
    } catch (BadModelException e) {
      throw e;
    } catch (IOException | IllegalArgumentException e) {
      throw new IOException(
          "%s cannot be read as an ONNX model after byte %d of %d (%s); get the file again"
              .formatted(origin, in.getTotalBytesRead(), size, e.getMessage()),
          e);
    }
    if (!hasGraph) {
      throw bad("has no graph; expected an ONNX model");
    }
    return new OnnxGraph(origin, nodes, initializers);
  }

  private void graph() throws IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag == GRAPH_NODE) {
        nested(this::node);
      } else if (tag == GRAPH_INITIALIZER) {
        nested(this::initializer);
      } else {
        in.skipField(tag);
      }
    }
  }

  private void node() throws IOException {
    String op = "";
    List<String> inputs = new ArrayList<>();
    List<String> outputs = new ArrayList<>();
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag == NODE_INPUT) {
        inputs.add(in.readStringRequireUtf8());
      } else if (tag == NODE_OUTPUT) {
        outputs.add(in.readStringRequireUtf8());
      } else if (tag == NODE_OP_TYPE) {
        op = in.readStringRequireUtf8();
      } else {
        in.skipField(tag);
      }
    }
    nodes.add(new Node(op, inputs, outputs));
  }

  private void initializer() throws IOException {
    String name = "";
    int type = 0;
    List<Long> dims = new ArrayList<>();
    ByteBuffer data = ByteBuffer.allocate(0);
    boolean external = false;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag == TENSOR_NAME) {
        name = in.readStringRequireUtf8();
      } else if (tag == TENSOR_DATA_TYPE) {
        type = in.readInt32();
      } else if (tag == TENSOR_DIM) {
        dims.add(in.readInt64());
      } else if (tag == TENSOR_DIMS_PACKED) {
        nested(
            () -> {
              while (in.getBytesUntilLimit() > 0) {
                dims.add(in.readInt64());
              }
            });
      } else if (tag == TENSOR_RAW_DATA || tag == TENSOR_FLOAT_DATA_PACKED) {
        data = in.readByteBuffer();
      } else {
        external |= tag == TENSOR_EXTERNAL_DATA;
        in.skipField(tag);
      }
    }
    if (external) {
      throw bad("keeps '" + name + "' in another file; save the model as one file");
    }
    List<Integer> shape = shape(name, dims);
    FloatBuffer values =
        type == OnnxGraph.FLOAT ? floats(name, shape, data) : FloatBuffer.allocate(0);
    if (initializers.put(name, new Initializer(name, type, shape, values)) != null) {
      throw bad("has two initializers '" + name + "'");
    }
  }

  private List<Integer> shape(String name, List<Long> dims) throws IOException {
    List<Integer> shape = new ArrayList<>();
    for (long dim : dims) {
      if (dim < 0 || dim > size) {
        throw bad("gives '" + name + "' the shape " + dims + ", larger than the file");
      }
      shape.add((int) dim);
    }
    return shape;
  }

  private FloatBuffer floats(String name, List<Integer> shape, ByteBuffer data) throws IOException {
    double bytes = Float.BYTES; // which overflows for no shape, and is exact up to 2 GiB
    for (int dim : shape) {
      bytes *= dim;
    }
    if (bytes != data.remaining()) {
      throw bad(
          "gives '%s' %d bytes of data; %s of float32 need %.0f"
              .formatted(name, data.remaining(), shape, bytes));
    }
    return data.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  private interface Part {
    void read() throws IOException;
  }

  private void nested(Part part) throws IOException {
    int outer = in.pushLimit(in.readRawVarint32());
    part.read();
    in.popLimit(outer);
  }

  private BadModelException bad(String what) {
    return new BadModelException(origin + " " + what);
  }

  /** Says all there is to say. */
  private static final class BadModelException extends IOException {
    private static final long serialVersionUID = 1;

    BadModelException(String message) {
      super(message);
    }
  }
}
