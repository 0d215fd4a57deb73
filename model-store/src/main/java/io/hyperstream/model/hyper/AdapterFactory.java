package io.hyperstream.model.hyper;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Makes adapter weights: from task embeddings by the two stacks' hypernetworks, from the checkpoint
 * by name, or from a file. Immutable after loading, any thread.
 */
public final class AdapterFactory implements AutoCloseable {
  private static final String EMBEDDINGS = "task_embedding_controller.task_to_embeddings.";

  private final BackboneShape shape;
  private final AdapterConfig config;
  private final TensorSource source;
  private final NDManager manager;
  private final Map<Stack, HyperNetwork> hyperNetworks = new EnumMap<>(Stack.class);
  private final Map<String, float[]> taskEmbeddings = new LinkedHashMap<>();

  private AdapterFactory(
      BackboneShape shape, AdapterConfig config, TensorSource source, NDManager manager) {
    this.shape = config.adapted(shape);
    this.config = config;
    this.source = source;
    this.manager = manager;
    if (config.kind() == AdapterConfig.Kind.PLAIN) {
      return;
    }
    for (Stack stack : this.shape.present()) {
      hyperNetworks.put(stack, new HyperNetwork(source, manager, stack, this.shape, config));
    }
    for (String task : config.tasks()) {
      try (NDArray e = source.read(manager, EMBEDDINGS + task, config.taskEmbeddingDim())) {
        taskEmbeddings.put(task, e.toFloatArray());
      }
    }
  }

  /** Loads hypernetworks and source-task embeddings to the default device. */
  public static AdapterFactory load(
      BackboneShape shape, AdapterConfig config, TensorSource source) {
    return load(shape, config, source, Optional.empty());
  }

  /**
   * Loads hypernetworks and source-task embeddings.
   *
   * @param device where to; empty for the default device
   * @throws CheckpointException if a tensor is missing or has another shape than configured
   */
  public static AdapterFactory load(
      BackboneShape shape, AdapterConfig config, TensorSource source, Optional<Device> device) {
    NDManager manager = device.map(Ops::newManager).orElseGet(Ops::newManager);
    try {
      return new AdapterFactory(shape, config, source, manager);
    } catch (RuntimeException | Error e) {
      manager.close();
      throw e;
    }
  }

  public AdapterConfig config() {
    return config;
  }

  /** Embeddings of the tasks the checkpoint was trained on, in its order; not to be changed. */
  public Map<String, float[]> taskEmbeddings() {
    return Collections.unmodifiableMap(taskEmbeddings);
  }

  /**
   * Generates the weights of several tasks. Each task is one pass per stack over all its layers and
   * positions, so that its weights are the same to the last bit whichever tasks it is made with.
   *
   * @param embeddings K arrays of length t
   * @return K weights in the same order, each to be closed by the caller
   * @throws IllegalArgumentException if an embedding has another length, or the model none
   */
  public List<AdapterWeights> generate(List<float[]> embeddings) {
    requireHyperNetwork();
    embeddings.forEach(this::requireEmbedding);
    List<AdapterWeights> out = new ArrayList<>();
    for (float[] embedding : embeddings) {
      Shape one = new Shape(1, embedding.length);
      out.add(withoutRecording(() -> generate(manager.create(embedding, one)).get(0)));
    }
    return out;
  }

  private void requireEmbedding(float[] embedding) {
    if (embedding.length != config.taskEmbeddingDim()) {
      throw new IllegalArgumentException(
          "a task embedding of this model has "
              + config.taskEmbeddingDim()
              + " values; got "
              + embedding.length);
    }
  }

  /**
   * The same from an array [K, t], in one pass for all tasks. While the thread records, the weights
   * are part of the graph and live in the caller's scope.
   */
  public List<AdapterWeights> generate(NDArray embeddings) {
    requireHyperNetwork();
    Map<Stack, AdapterTensors> generated = new EnumMap<>(Stack.class);
    hyperNetworks.forEach((stack, network) -> generated.put(stack, network.generate(embeddings)));
    List<AdapterWeights> out = new ArrayList<>();
    for (int k = 0; k < embeddings.getShape().get(0); k++) {
      Map<Stack, AdapterTensors> ofTask = new EnumMap<>(Stack.class);
      for (Map.Entry<Stack, AdapterTensors> entry : generated.entrySet()) {
        ofTask.put(entry.getKey(), entry.getValue().task(k));
      }
      out.add(AdapterWeights.of(manager, config, ofTask));
    }
    return out;
  }

  /**
   * Makes weights of any form.
   *
   * @return in the same order, each to be closed by the caller
   * @throws CheckpointException if a file or a name does not belong to this model
   */
  public List<AdapterWeights> make(List<AdapterForm> forms) {
    List<AdapterWeights> out = new ArrayList<>();
    try {
      forms.forEach(form -> out.add(make(form)));
      return out;
    } catch (RuntimeException | Error e) {
      out.forEach(AdapterWeights::close);
      throw e;
    }
  }

  private AdapterWeights make(AdapterForm form) {
    if (form instanceof AdapterForm.Embedding embedding) {
      return generate(List.of(embedding.values())).get(0);
    }
    if (form instanceof AdapterForm.Named named) {
      return withoutRecording(() -> named(named.name()));
    }
    if (form instanceof AdapterForm.Weights weights) {
      return withoutRecording(() -> load(weights));
    }
    if (form instanceof AdapterForm.None) {
      return AdapterWeights.NONE;
    }
    throw new CheckpointException("adapters of the form " + form + " cannot be made");
  }

  /**
   * The adapters that lie in the checkpoint under a task's name. While the thread records, they are
   * part of the graph and live in the caller's scope; otherwise the caller closes them.
   *
   * @throws CheckpointException if there are none
   */
  public AdapterWeights named(String task) {
    if (config.kind() != AdapterConfig.Kind.PLAIN) {
      throw new CheckpointException(
          "this model generates its adapters; it has none of the name '" + task + "'");
    }
    try (NDManager reading = manager.newSubManager()) {
      Map<Stack, AdapterTensors> tensors = new EnumMap<>(Stack.class);
      for (Stack stack : shape.present()) {
        tensors.put(stack, PlainAdapters.read(source, reading, stack, task, shape, config));
      }
      return AdapterWeights.of(manager, config, tensors);
    }
  }

  private AdapterWeights load(AdapterForm.Weights weights) {
    try {
      return AdapterWeights.load(manager, weights.file(), shape, config);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read adapter weights " + weights.file(), e);
    }
  }

  /** In a scope of its own, so that only the weights stay. */
  private static <T> T withoutRecording(Supplier<T> work) {
    boolean recording = Ops.setRecording(false);
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      return work.get();
    } finally {
      Ops.setRecording(recording);
    }
  }

  /**
   * Puts together what {@link AdapterWeights#arrays} took apart. While the thread records, the
   * arrays themselves are used, so that gradients reach them.
   *
   * @throws IllegalArgumentException if a name is missing
   */
  public AdapterWeights assemble(Map<String, NDArray> arrays) {
    Map<Stack, AdapterTensors> tensors = new EnumMap<>(Stack.class);
    for (Stack stack : shape.present()) {
      Map<AdapterTensors.Part, NDArray> parts = new EnumMap<>(AdapterTensors.Part.class);
      for (AdapterTensors.Part part : AdapterTensors.Part.values()) {
        NDArray array = arrays.get(stack.prefix() + "." + part.storedAs());
        if (array != null) {
          parts.put(part, array);
        } else if (part.isIn(config)) {
          throw new IllegalArgumentException(
              "adapter weights lack '" + stack.prefix() + "." + part.storedAs() + "'");
        }
      }
      tensors.put(stack, new AdapterTensors(parts));
    }
    return AdapterWeights.of(manager, config, tensors);
  }

  private void requireHyperNetwork() {
    if (hyperNetworks.isEmpty()) {
      throw new IllegalArgumentException(
          "this model has plain adapters and no hypernetwork: task embeddings do not apply");
    }
  }

  /** Frees the hypernetworks and all weights made by them. */
  @Override
  public void close() {
    manager.close();
  }
}
