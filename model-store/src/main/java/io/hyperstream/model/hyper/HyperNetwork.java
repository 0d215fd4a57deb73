package io.hyperstream.model.hyper;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.hyper.AdapterTensors.Part;
import io.hyperstream.model.tensor.Activation;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The hypernetwork of one stack: task embeddings in, the adapters of all its layers and positions
 * out, for any number of tasks in one batched pass (sections 2.2 and 2.3 of the paper). Immutable,
 * any thread; differentiable while the thread records.
 */
final class HyperNetwork {
  private static final double EPS = 1e-6;

  /** A linear layer. */
  private record Linear(NDArray weight, NDArray bias) {
    NDArray apply(NDArray x) {
      return Ops.linear(x, weight, bias);
    }
  }

  private final AdapterConfig config;
  private final int layers;
  private final int width;
  private final int bottleneck;
  private final NDArray layerEmbeddings; // [L, t]
  private final NDArray positionEmbeddings; // [2, t], HyperFormer++ only
  private final Linear hidden; // 3t (or 2t) -> h
  private final Linear projection; // h -> p
  private final NDArray normWeight; // [p], null without
  private final NDArray normBias;
  private final List<Map<Part, Linear>> generators = new ArrayList<>(); // one, or one per position
  private final Map<Part, NDArray> plainNorms = new EnumMap<>(Part.class); // [L, 2, d]

  HyperNetwork(
      TensorSource source,
      NDManager manager,
      Stack stack,
      BackboneShape shape,
      AdapterConfig config) {
    this.config = config;
    layers = shape.layers(stack);
    width = shape.width();
    bottleneck = config.bottleneck(width);
    boolean shared = config.kind() == AdapterConfig.Kind.HYPERFORMER_PLUS_PLUS;
    Loader loader = new Loader(source, manager, stack.prefix() + ".adapter_layers_hyper_net.");
    int t = config.taskEmbeddingDim();
    int p = config.projectedDim();
    layerEmbeddings = loader.tensor("layer_id_embeddings.weight", layers, t);
    positionEmbeddings = shared ? loader.tensor("adapters_block_type.weight", 2, t) : null;
    int inputs = shared ? 3 * t : 2 * t;
    // The misspelling is the reference's.
    hidden = loader.linear("task_hypernet.task_embeding_generator.0", config.hiddenDim(), inputs);
    projection = loader.linear("task_hypernet.task_embeding_generator.2", p, config.hiddenDim());
    normWeight = config.normalizedInput() ? loader.tensor("LayerNorm.weight", p) : null;
    normBias = config.normalizedInput() ? loader.tensor("LayerNorm.bias", p) : null;
    if (shared) {
      generators.add(generators(loader, "", p));
    } else {
      for (Position position : Position.values()) { // in the order of their index
        String name = position == Position.FEED_FORWARD ? "feed_forward_" : "self_attention_";
        generators.add(generators(loader, name, p));
      }
    }
    readPlainNorms(source, manager, stack, shape);
  }

  private Map<Part, Linear> generators(Loader loader, String prefix, int p) {
    Map<Part, Linear> out = new EnumMap<>(Part.class);
    String down = prefix + "down_sampler_hyper_net.";
    String up = prefix + "up_sampler_hyper_net.";
    int r = bottleneck;
    int d = width;
    out.put(Part.DOWN_WEIGHT, loader.linear(down + "weight_generator.0", (long) r * d, p));
    out.put(Part.DOWN_BIAS, loader.linear(down + "bias_generator.0", r, p));
    out.put(Part.UP_WEIGHT, loader.linear(up + "weight_generator.0", (long) d * r, p));
    out.put(Part.UP_BIAS, loader.linear(up + "bias_generator.0", d, p));
    if (config.normBefore()) {
      norm(
          out,
          loader,
          prefix + "pre_layernorm_hypernet.",
          Part.PRE_NORM_WEIGHT,
          Part.PRE_NORM_BIAS);
    }
    if (config.normAfter()) {
      norm(
          out,
          loader,
          prefix + "post_layernorm_hypernet.",
          Part.POST_NORM_WEIGHT,
          Part.POST_NORM_BIAS);
    }
    return out;
  }

  /** The reference generates norms whatever the configuration says: the checkpoint decides. */
  private void norm(Map<Part, Linear> out, Loader loader, String name, Part weight, Part bias) {
    if (config.conditionalNorm() || loader.has(name + "weight_generator.weight")) {
      out.put(weight, loader.linear(name + "weight_generator", width, config.projectedDim()));
      out.put(bias, loader.linear(name + "bias_generator", width, config.projectedDim()));
    }
  }

  /** Norms that no generator makes are plain ones, shared by all tasks. */
  private void readPlainNorms(
      TensorSource source, NDManager manager, Stack stack, BackboneShape shape) {
    for (Part part : Part.values()) {
      if (part.isIn(config) && !generators.get(0).containsKey(part)) {
        try (NDScope scope = Ops.scope()) {
          scope.suppressNotUsedWarning();
          NDArray norm = PlainAdapters.read(source, manager, stack, "any", part, shape, config);
          plainNorms.put(part, Ops.own(manager, norm));
        }
      }
    }
  }

  /**
   * Generates the adapters of K tasks.
   *
   * @param tasks task embeddings [K, t]
   * @return parts [K, L, 2, ..]
   */
  AdapterTensors generate(NDArray tasks) {
    Map<Part, NDArray> parts =
        positionEmbeddings != null ? generateShared(tasks) : generatePerPosition(tasks);
    int k = (int) tasks.getShape().get(0);
    plainNorms.forEach((part, norm) -> parts.put(part, Ops.stack(Collections.nCopies(k, norm), 0)));
    return new AdapterTensors(parts);
  }

  /** HyperFormer++: rows of z are ordered by task, layer, position. */
  private Map<Part, NDArray> generateShared(NDArray tasks) {
    int k = (int) tasks.getShape().get(0);
    int positions = Position.COUNT;
    int rows = k * layers * positions;
    long[] task = new long[rows];
    long[] layer = new long[rows];
    long[] position = new long[rows];
    for (int i = 0; i < rows; i++) {
      task[i] = i / (layers * positions);
      layer[i] = i / positions % layers;
      position[i] = i % positions;
    }
    NDArray z =
        Ops.concat(
            List.of(
                rows(tasks, task, tasks),
                rows(layerEmbeddings, layer, tasks),
                rows(positionEmbeddings, position, tasks)),
            1); // [K L 2, 3t]
    NDArray e = project(z); // [K L 2, p]
    Map<Part, NDArray> parts = new EnumMap<>(Part.class);
    generators
        .get(0)
        .forEach((part, linear) -> parts.put(part, shaped(linear.apply(e), part, k, positions)));
    return parts;
  }

  /** HyperFormer: rows of z are ordered by task, layer; each position has its own generators. */
  private Map<Part, NDArray> generatePerPosition(NDArray tasks) {
    int k = (int) tasks.getShape().get(0);
    int rows = k * layers;
    long[] task = new long[rows];
    long[] layer = new long[rows];
    for (int i = 0; i < rows; i++) {
      task[i] = i / layers;
      layer[i] = i % layers;
    }
    NDArray z =
        Ops.concat(
            List.of(rows(tasks, task, tasks), rows(layerEmbeddings, layer, tasks)), 1); // [K L, 2t]
    NDArray e = project(z); // [K L, p]
    Map<Part, NDArray> parts = new EnumMap<>(Part.class);
    for (Part part : generators.get(0).keySet()) {
      List<NDArray> perPosition = new ArrayList<>();
      for (Map<Part, Linear> ofPosition : generators) {
        perPosition.add(shaped(ofPosition.get(part).apply(e), part, k, 1));
      }
      parts.put(part, Ops.concat(perPosition, 2));
    }
    return parts;
  }

  private static NDArray rows(NDArray table, long[] index, NDArray like) {
    return Ops.gatherRows(table, like.getManager().create(index));
  }

  /** Embeddings of task, layer and position to the generators' input: [n, 3t] -> [n, p]. */
  private NDArray project(NDArray z) {
    NDArray e = projection.apply(Activation.RELU.apply(hidden.apply(z)));
    return normWeight == null ? e : Ops.layerNorm(e, normWeight, normBias, EPS);
  }

  private NDArray shaped(NDArray generated, Part part, int k, int positions) {
    Shape lead = new Shape(k, layers, positions);
    return generated.reshape(lead.addAll(new Shape(part.shape(bottleneck, width))));
  }

  private record Loader(TensorSource source, NDManager manager, String prefix) {
    NDArray tensor(String name, long... shape) {
      return source.read(manager, prefix + name, shape);
    }

    boolean has(String name) {
      return source.has(prefix + name);
    }

    Linear linear(String name, long out, long in) {
      return new Linear(tensor(name + ".weight", out, in), tensor(name + ".bias", out));
    }
  }
}
