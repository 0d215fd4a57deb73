package io.hyperstream.onnx;

import io.hyperstream.onnx.OnnxGraph.Initializer;
import io.hyperstream.onnx.OnnxGraph.Node;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The weights of a BERT encoder, out of its ONNX graph, under the names that Hugging Face's {@code
 * BertModel} gives them.
 *
 * <p>An export keeps the names of all but the matrices. It stores those as {@code
 * onnx::MatMul_123}, transposed to [in, out]; but the {@code Add} that takes {@code NAME.bias}
 * takes the product with {@code NAME.weight} as its other input, and so tells the name. What
 * belongs to no encoder (a pooler, the list of positions) is left out; a weight nobody knows is an
 * error, because a model without it would answer something else.
 */
final class BertWeights {
  private static final String LAYER = "encoder.layer.";
  private static final String POOLER = "pooler.";

  /**
   * A weight as it is to be written.
   *
   * @param shape [out, in] for a matrix
   * @param stored the values as the graph has them
   * @param transposed whether those are [in, out]
   */
  record Tensor(String name, List<Integer> shape, FloatBuffer stored, boolean transposed) {

    /** Row by row, as {@code shape} says. */
    float[] values() {
      float[] values = new float[stored.remaining()];
      if (!transposed) {
        stored.get(0, values);
        return values;
      }
      int out = shape.get(0);
      int in = shape.get(1);
      for (int o = 0; o < out; o++) {
        for (int i = 0; i < in; i++) {
          values[o * in + i] = stored.get(i * out + o);
        }
      }
      return values;
    }
  }

  private final OnnxGraph graph;
  private final Map<String, Node> makers = new HashMap<>();
  private final Map<String, Node> additions = new HashMap<>();
  private final SortedMap<String, Tensor> tensors = new TreeMap<>();
  private final Set<String> taken = new HashSet<>();

  private BertWeights(OnnxGraph graph) {
    this.graph = graph;
    for (Node node : graph.nodes()) {
      node.outputs().forEach(output -> makers.put(output, node));
      if (node.op().equals("Add")) {
        node.inputs().forEach(input -> additions.put(input, node));
      }
    }
  }

  /**
   * Finds every weight of the encoder.
   *
   * @return by name, sorted
   * @throws IOException naming what is missing, left over or of another shape
   */
  static SortedMap<String, Tensor> of(OnnxGraph graph) throws IOException {
    return new BertWeights(graph).find();
  }

  private SortedMap<String, Tensor> find() throws IOException {
    List<Integer> words = named("embeddings.word_embeddings.weight").shape();
    if (words.size() != 2) {
      throw bad("gives the word embeddings the shape " + words + "; expected [vocabulary, width]");
    }
    int width = words.get(1);
    take("embeddings.word_embeddings.weight", words);
    takeRows("embeddings.position_embeddings.weight", width);
    takeRows("embeddings.token_type_embeddings.weight", width);
    takeNorm("embeddings.LayerNorm", width);
    int layers = layers();
    for (int i = 0; i < layers; i++) {
      String layer = LAYER + i + ".";
      int inner = named(layer + "intermediate.dense.bias").values().remaining();
      takeLinear(layer + "attention.self.query", width, width);
      takeLinear(layer + "attention.self.key", width, width);
      takeLinear(layer + "attention.self.value", width, width);
      takeLinear(layer + "attention.output.dense", width, width);
      takeNorm(layer + "attention.output.LayerNorm", width);
      takeLinear(layer + "intermediate.dense", width, inner);
      takeLinear(layer + "output.dense", inner, width);
      takeNorm(layer + "output.LayerNorm", width);
    }
    requireNothingLeft();
    return tensors;
  }

  private int layers() throws IOException {
    int layers = 0;
    for (String name : graph.initializers().keySet()) {
      if (name.matches("encoder\\.layer\\.\\d{1,4}\\..*")) {
        String number = name.substring(LAYER.length(), name.indexOf('.', LAYER.length()));
        layers = Math.max(layers, Integer.parseInt(number) + 1);
      }
    }
    if (layers == 0) {
      throw bad("has no weight named encoder.layer.0...; expected a BERT encoder");
    }
    return layers;
  }

  private void takeRows(String name, int width) throws IOException {
    List<Integer> shape = named(name).shape();
    take(name, List.of(shape.isEmpty() ? 0 : shape.get(0), width));
  }

  private void takeNorm(String name, int width) throws IOException {
    take(name + ".weight", List.of(width));
    take(name + ".bias", List.of(width));
  }

  private void take(String name, List<Integer> shape) throws IOException {
    put(name, named(name), shape, false);
  }

  /** A linear layer: its bias by name, its matrix by what the bias is added to. */
  private void takeLinear(String name, int in, int out) throws IOException {
    String bias = name + ".bias";
    take(bias, List.of(out));
    Node add = additions.get(bias);
    if (add == null) {
      throw bad("adds '" + bias + "' to nothing" + otherExport());
    }
    String product = add.inputs().stream().filter(i -> !i.equals(bias)).findFirst().orElse("");
    Node maker = makers.get(product);
    if (maker == null || !maker.op().equals("MatMul")) {
      String what = maker == null ? "'" + product + "'" : "the output of a " + maker.op();
      throw bad("adds '" + bias + "' to " + what + ", not to a MatMul's" + otherExport());
    }
    List<Initializer> matrices =
        maker.inputs().stream()
            .filter(graph.initializers()::containsKey)
            .map(graph.initializers()::get)
            .toList();
    if (matrices.size() != 1 || !matrices.get(0).name().equals(maker.inputs().get(1))) {
      throw bad(
          "adds '"
              + bias
              + "' to a product of "
              + maker.inputs()
              + ", none or both stored"
              + otherExport());
    }
    put(name + ".weight", matrices.get(0), List.of(in, out), true);
  }

  private static String otherExport() {
    return "; expected BERT as torch.onnx exports it, neither optimised nor quantised";
  }

  private Initializer named(String name) throws IOException {
    Initializer found = graph.initializers().get(name);
    if (found == null) {
      throw bad("has no weight named '" + name + "'" + otherExport());
    }
    return found;
  }

  private void put(String name, Initializer from, List<Integer> shape, boolean transpose)
      throws IOException {
    if (from.type() != OnnxGraph.FLOAT) {
      throw bad(
          "stores '%s' as data type %d, expected float32 (1)%s"
              .formatted(from.name(), from.type(), otherExport()));
    }
    if (!from.shape().equals(shape)) {
      throw bad(
          "gives %s the shape %s, expected %s (from '%s')"
              .formatted(name, from.shape(), shape, from.name()));
    }
    if (!taken.add(from.name())) {
      throw bad("uses '" + from.name() + "' twice, the second time as " + name + otherExport());
    }
    List<Integer> written = transpose ? List.of(shape.get(1), shape.get(0)) : shape;
    tensors.put(name, new Tensor(name, written, from.values(), transpose));
  }

  private void requireNothingLeft() throws IOException {
    List<String> left = new ArrayList<>();
    for (Initializer initializer : graph.initializers().values()) {
      boolean weight = initializer.type() == OnnxGraph.FLOAT && !initializer.shape().isEmpty();
      if (weight && !taken.contains(initializer.name()) && !initializer.name().startsWith(POOLER)) {
        left.add(initializer.name());
      }
    }
    if (!left.isEmpty()) {
      throw bad(
          "has weights that belong to no part of a BERT encoder: "
              + left.stream().sorted().limit(5).toList()
              + (left.size() > 5 ? " and " + (left.size() - 5) + " more" : ""));
    }
  }

  private IOException bad(String what) {
    return new IOException(graph.origin() + " " + what);
  }
}
