package io.hyperstream.onnx;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;

/**
 * What is needed of an ONNX model to find its weights.
 *
 * @param origin where it was read from, for messages
 * @param nodes the operations, in the file's order
 * @param initializers the stored tensors by name
 */
record OnnxGraph(String origin, List<Node> nodes, Map<String, Initializer> initializers) {
  /** {@code TensorProto.DataType.FLOAT}. */
  static final int FLOAT = 1;

  /**
   * An operation.
   *
   * @param op its kind, such as {@code MatMul}
   * @param inputs names of what it takes: initializers or other nodes' outputs
   * @param outputs names of what it makes
   */
  record Node(String op, List<String> inputs, List<String> outputs) {
    Node {
      inputs = List.copyOf(inputs);
      outputs = List.copyOf(outputs);
    }
  }

  /**
   * A stored tensor.
   *
   * @param type as {@code TensorProto.DataType} numbers them
   * @param shape none for a scalar
   * @param values row by row; empty unless {@code type} is {@link #FLOAT}
   */
  record Initializer(String name, int type, List<Integer> shape, FloatBuffer values) {
    Initializer {
      shape = List.copyOf(shape);
    }
  }

  OnnxGraph {
    nodes = List.copyOf(nodes);
    initializers = Map.copyOf(initializers);
  }
}
