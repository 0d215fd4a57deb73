package io.hyperstream.model.hyper;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.ConfigFields;
import io.hyperstream.model.tensor.Activation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The fields of {@code adapter_config.json} that change the mathematics, under the reference's
 * names.
 *
 * @param kind where adapter weights come from
 * @param tasks the tasks the checkpoint was trained on
 * @param reductionFactor the bottleneck is d_model divided by it, rounded down
 * @param taskEmbeddingDim t
 * @param projectedDim p, {@code projected_task_embedding_dim}
 * @param hiddenDim h, {@code task_hidden_dim}
 * @param activation {@code non_linearity} inside the adapter
 * @param normBefore {@code add_layer_norm_before_adapter}
 * @param normAfter {@code add_layer_norm_after_adapter}
 * @param conditionalNorm {@code conditional_layer_norm}: whether these norms are generated per
 *     task; where a checkpoint has generators for them they are used in any case, as the reference
 *     does
 * @param normalizedInput {@code unique_hyper_net_layer_norm}: a layer norm on the projected
 *     embedding
 * @param firstLayer {@code first_layer}, not of the reference: the encoder's layers below it have
 *     no adapters, so that tasks share what they make of a text (AdapterDrop, Ruckle et al., 2021)
 */
public record AdapterConfig(
    Kind kind,
    List<String> tasks,
    int reductionFactor,
    int taskEmbeddingDim,
    int projectedDim,
    int hiddenDim,
    Activation activation,
    boolean normBefore,
    boolean normAfter,
    boolean conditionalNorm,
    boolean normalizedInput,
    int firstLayer) {

  /**
   * The name of an embedding that belongs to no task: trained on all of them, it is what a task
   * nobody has seen starts from.
   */
  public static final String GENERIC = "generic";

  private static final long MAX_CONFIG_BYTES = 10_000_000;

  /** Where adapter weights come from. */
  public enum Kind {
    /** One hypernetwork over task, layer and position: HyperFormer++ (section 2.3 of the paper). */
    HYPERFORMER_PLUS_PLUS,
    /** One hypernetwork per position over task and layer: HyperFormer. */
    HYPERFORMER,
    /** Weights per task and position in the checkpoint: Adapter-dagger. */
    PLAIN
  }

  public AdapterConfig {
    tasks = List.copyOf(tasks);
    require("reduction_factor", reductionFactor);
    if (firstLayer < 0) {
      throw new IllegalArgumentException("first_layer must be at least 0; it is " + firstLayer);
    }
    if (kind != Kind.PLAIN) {
      require("task_embedding_dim", taskEmbeddingDim);
      require("projected_task_embedding_dim", projectedDim);
      require("task_hidden_dim", hiddenDim);
    }
  }

  /** The same for other tasks. */
  public AdapterConfig withTasks(List<String> others) {
    return new AdapterConfig(
        kind,
        others,
        reductionFactor,
        taskEmbeddingDim,
        projectedDim,
        hiddenDim,
        activation,
        normBefore,
        normAfter,
        conditionalNorm,
        normalizedInput,
        firstLayer);
  }

  /** The same to be trained on other tasks; adapters for tasks that nobody has seen stay. */
  public AdapterConfig forTasks(List<String> others) {
    return hasGeneric()
        ? withTasks(Stream.concat(others.stream(), Stream.of(GENERIC)).toList())
        : withTasks(others);
  }

  /** Whether it has adapters for tasks that nobody has seen. */
  public boolean hasGeneric() {
    return kind != Kind.PLAIN && tasks.contains(GENERIC);
  }

  /** The layers that have adapters, as a shape of their own. */
  public BackboneShape adapted(BackboneShape backbone) {
    return backbone.from(firstLayer);
  }

  /**
   * r.
   *
   * @throws IllegalArgumentException if nothing would be left
   */
  public int bottleneck(int dModel) {
    int r = dModel / reductionFactor;
    if (r < 1) {
      throw new IllegalArgumentException(
          "reduction_factor " + reductionFactor + " leaves nothing of d_model " + dModel);
    }
    return r;
  }

  /** Native memory of one task's weights, both stacks, once they were used. */
  public long weightBytes(BackboneShape shape) {
    int r = bottleneck(shape.width());
    long adapter = 0;
    for (AdapterTensors.Part part : AdapterTensors.Part.values()) {
      if (part.isIn(this)) {
        adapter += new Shape(part.shape(r, shape.width())).size();
      }
    }
    BackboneShape adapted = adapted(shape);
    long numbers = adapter * adapted.layers() * Position.COUNT;
    if (!normBefore) {
      Shape down = new Shape(adapted.layers(Stack.ENCODER), Position.COUNT, r, shape.width());
      numbers += FoldedAdapters.size(down);
    }
    return numbers * Float.BYTES;
  }

  /**
   * Reads an {@code adapter_config.json}.
   *
   * @throws CheckpointException if it is none, or asks for a form that is not supported
   */
  public static AdapterConfig read(Path file) throws IOException {
    return ConfigFields.read(
        file,
        MAX_CONFIG_BYTES,
        json -> fromJson(json, json.path("kind").asText(), tasks(json.path("tasks"))));
  }

  /**
   * The same from a parsed object.
   *
   * @param kind {@code meta-adapter} or {@code adapter}
   * @throws IllegalArgumentException naming the field
   */
  public static AdapterConfig fromJson(JsonNode json, String kind, List<String> tasks) {
    if (json.path("train_task_embeddings").asBoolean(false)) {
      throw new IllegalArgumentException("train_task_embeddings is not supported");
    }
    return new AdapterConfig(
        kind(json, kind),
        tasks,
        json.path("reduction_factor").asInt(16),
        json.path("task_embedding_dim").asInt(64),
        json.path("projected_task_embedding_dim").asInt(64),
        json.path("task_hidden_dim").asInt(128),
        Activation.named(json.path("non_linearity").asText("swish")),
        json.path("add_layer_norm_before_adapter").asBoolean(false),
        json.path("add_layer_norm_after_adapter").asBoolean(true),
        json.path("conditional_layer_norm").asBoolean(false),
        json.path("unique_hyper_net_layer_norm").asBoolean(true),
        json.path("first_layer").asInt(0));
  }

  private static Kind kind(JsonNode json, String kind) {
    if (kind.equals("adapter")) {
      return Kind.PLAIN;
    }
    if (!kind.equals("meta-adapter")) {
      throw new IllegalArgumentException(
          "adapter kind '" + kind + "' is not supported; expected meta-adapter or adapter");
    }
    if (json.path("efficient_unique_hyper_net").asBoolean(false)) {
      return Kind.HYPERFORMER_PLUS_PLUS;
    }
    if (json.path("unique_hyper_net").asBoolean(false)) {
      return Kind.HYPERFORMER;
    }
    throw new IllegalArgumentException(
        "a meta-adapter needs efficient_unique_hyper_net (HyperFormer++) or unique_hyper_net"
            + " (HyperFormer); one hypernetwork per layer is not supported");
  }

  private static List<String> tasks(JsonNode array) {
    List<String> tasks = new ArrayList<>();
    array.forEach(task -> tasks.add(task.asText()));
    return tasks;
  }

  private static void require(String field, int value) {
    if (value < 1 || value > 1_000_000) {
      throw new IllegalArgumentException(field + " must be 1 to 1000000; it is " + value);
    }
  }
}
