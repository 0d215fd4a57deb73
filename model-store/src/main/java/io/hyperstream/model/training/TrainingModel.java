package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.t5.CrossMemory;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A T5 with adapters whose chosen weights are leaves of the gradient graph. All methods need an
 * open scope; those whose result is to be differentiated a recording thread. One thread.
 */
final class TrainingModel implements AutoCloseable {
  private final NDManager manager = Ops.newManager();
  private final T5 t5;
  private final Optional<AdapterFactory> factory;
  private final TrainableSource backbone;
  private final TrainableSource adapters;
  private final Map<String, NDArray> embeddings = new LinkedHashMap<>();
  private final List<Parameter> parameters = new ArrayList<>();

  /**
   * Loads a model for training.
   *
   * @param config of the adapters; empty for the bare backbone
   * @param adapterSource where hypernetworks or adapters lie; may be the backbone's
   * @throws CheckpointException if a tensor is missing or of another shape than configured
   */
  TrainingModel(
      T5Config t5Config,
      TensorSource backboneSource,
      Optional<AdapterConfig> config,
      TensorSource adapterSource,
      Trainable trainable) {
    Predicate<String> trained = name -> trainable.includes(name, t5Config.tiedEmbeddings());
    backbone = new TrainableSource(backboneSource, trained, manager);
    adapters = new TrainableSource(adapterSource, trained, manager);
    try {
      t5 = T5.load(t5Config, backbone);
      factory = config.map(c -> AdapterFactory.load(t5Config.shape(), c, adapters));
      config.ifPresent(this::readTasks);
    } catch (RuntimeException | Error e) {
      manager.close();
      throw e;
    }
    parameters.addAll(backbone.parameters());
    parameters.addAll(adapters.parameters());
  }

  /** Reads what belongs to single tasks, so that it is known before the first batch. */
  private void readTasks(AdapterConfig config) {
    for (String task : config.tasks()) {
      if (config.kind() == AdapterConfig.Kind.PLAIN) {
        adapters(List.of(task)).forEach(AdapterWeights::close);
      } else {
        embeddings.put(task, adapters.taskEmbedding(task, config.taskEmbeddingDim()));
      }
    }
  }

  T5 t5() {
    return t5;
  }

  /** Everything that is trained. */
  List<Parameter> parameters() {
    return java.util.Collections.unmodifiableList(parameters);
  }

  /** Trained values. */
  long trainedValues() {
    return parameters.stream().mapToLong(Parameter::size).sum();
  }

  /** Whether a parameter takes part in a batch of these tasks. */
  static Predicate<Parameter> participates(List<String> tasks) {
    Set<String> present = new HashSet<>(tasks);
    return parameter -> parameter.task().map(present::contains).orElse(true);
  }

  /** Each row's adapters, generated once per task; to be closed unless recording. */
  Hook hook(List<String> tasks) {
    if (factory.isEmpty()) {
      return new Hook(AdapterHook.NONE, List.of());
    }
    List<String> distinct = tasks.stream().distinct().toList();
    List<AdapterWeights> made = adapters(distinct);
    List<AdapterWeights> rows = new ArrayList<>();
    for (String task : tasks) {
      rows.add(made.get(distinct.indexOf(task)));
    }
    return new Hook(BatchAdapters.of(rows), made);
  }

  /** The adapters of a batch and what to free after it. */
  record Hook(AdapterHook adapters, List<AdapterWeights> made) implements AutoCloseable {
    @Override
    public void close() {
      if (adapters instanceof BatchAdapters batch) {
        batch.close();
      }
      made.forEach(AdapterWeights::close);
    }
  }

  private List<AdapterWeights> adapters(List<String> tasks) {
    AdapterFactory of = factory.orElseThrow();
    if (of.config().kind() == AdapterConfig.Kind.PLAIN) {
      return tasks.stream().map(of::named).toList();
    }
    List<NDArray> rows = new ArrayList<>();
    for (String task : tasks) {
      NDArray embedding = embeddings.get(task);
      if (embedding == null) {
        throw new IllegalArgumentException(
            "the model has no embedding for task '" + task + "'; it has " + embeddings.keySet());
      }
      rows.add(embedding);
    }
    return of.generate(Ops.stack(rows, 0));
  }

  /** Encodes a batch: [B, S, d] ready for the decoder. */
  CrossMemory encode(int[][] inputs, AdapterHook hook) {
    NDArray mask = TrainingBatch.mask(t5.manager(), inputs, false);
    NDArray encoded = t5.encode(TrainingBatch.padded(t5.manager(), inputs), mask, hook);
    return t5.attendTo(encoded, mask);
  }

  /**
   * The label-smoothed, summed loss of a batch under teacher forcing.
   *
   * @param dropout the rate; 0 for none
   */
  NDArray loss(TrainingBatch batch, double smoothing, double dropout) {
    try (Hook made = hook(batch.tasks())) {
      AdapterHook hook = dropout > 0 ? new DropoutHook(made.adapters(), dropout) : made.adapters();
      CrossMemory memory = encode(batch.inputs(), hook);
      NDArray targets = TrainingBatch.padded(t5.manager(), batch.targets()); // [B, N]
      int[][] shifted = TrainingBatch.shifted(batch.targets(), t5.config().decoderStartId());
      NDArray input = TrainingBatch.padded(t5.manager(), shifted);
      int length = (int) targets.getShape().get(1);
      NDArray hidden = t5.decode(input, t5.causal(length), memory, hook); // [B, N, d]
      NDArray mask = TrainingBatch.mask(t5.manager(), batch.targets(), true);
      return Losses.labelSmoothedSum(t5.logits(hidden), targets, mask, smoothing);
    }
  }

  /** Frees weights and leaves. */
  @Override
  public void close() {
    factory.ifPresent(AdapterFactory::close);
    t5.close();
    manager.close();
  }
}
