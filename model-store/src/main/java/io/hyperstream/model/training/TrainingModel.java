package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A backbone with adapters whose chosen weights are leaves of the gradient graph. A form of it for
 * each objective says what the loss of a batch is and how rows are answered. All methods need an
 * open scope; those whose result is to be differentiated a recording thread. One thread.
 */
abstract class TrainingModel implements AutoCloseable {
  private final NDManager manager;
  private final Optional<AdapterFactory> factory;
  private final TrainableSource adapters;
  private final Map<String, NDArray> embeddings = new LinkedHashMap<>();
  private final List<Parameter> parameters = new ArrayList<>();

  /** Answers rows of a task, as long as no weight changes; needs no recording. */
  interface Answers {
    /** What is answered: label indices, or numbers. */
    double[] of(List<TokenSequence> inputs);
  }

  /**
   * @param manager of the leaves; closed with this
   * @param backbone its trained weights
   * @param config of the adapters; empty for the bare backbone
   * @param adapters where hypernetworks or adapters lie
   * @throws io.hyperstream.model.checkpoint.CheckpointException if a tensor is missing or of
   *     another shape than configured
   */
  TrainingModel(
      NDManager manager,
      BackboneShape shape,
      Collection<Parameter> backbone,
      Optional<AdapterConfig> config,
      TrainableSource adapters) {
    this.manager = manager;
    this.adapters = adapters;
    factory = config.map(c -> AdapterFactory.load(shape, c, adapters));
    config.ifPresent(this::readTasks);
    parameters.addAll(backbone);
    parameters.addAll(adapters.parameters());
  }

  /**
   * Multiplies what adapters add to the backbone's states. Between 0 (the bare backbone) and 1 (as
   * trained) they keep most of what they learnt, and the backbone most of what it knew: the weights
   * are interpolated, as Wortsman et al. (Robust fine-tuning of zero-shot models, CVPR 2022) do.
   *
   * @throws IllegalArgumentException if a norm after the adapters would undo it
   */
  void scaleAdapters(double scale) {
    if (scale == 1) {
      return;
    }
    if (factory.isEmpty() || factory.get().config().normAfter()) {
      throw new IllegalArgumentException(
          "only adapters without a norm after them can be scaled; this model has "
              + (factory.isEmpty() ? "no adapters" : "such norms"));
    }
    for (Parameter parameter : adapters.parameters()) {
      if (parameter.names().stream().allMatch(name -> name.contains(".up_sampler"))) {
        NDArray value = parameter.value();
        try (NDArray zero = value.zerosLike()) {
          Autograd.pull(value, zero, 1 - scale);
        }
      }
    }
  }

  /**
   * Loads a model for training.
   *
   * @param tasks it is to learn
   * @throws IllegalArgumentException if such weights are not trained in this family
   */
  static TrainingModel open(ModelSource source, List<TaskData> tasks, Trainable trainable)
      throws IOException {
    return switch (source.family().objective()) {
      case TARGET_TOKENS -> T5Training.open(source, trainable);
      case LABEL_VECTORS -> EncoderTraining.open(source, tasks, trainable);
    };
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

  /**
   * What training makes small: of a batch, a single value.
   *
   * @param smoothing of the labels
   * @param dropout the rate; 0 for none
   */
  abstract NDArray loss(TrainingBatch batch, double smoothing, double dropout);

  /** How many losses the loss of a batch is the sum of; the log shows their mean. */
  abstract long summed(TrainingBatch batch);

  /** How rows of a task are answered now. */
  abstract Answers answers(TaskData data);

  /** Everything that is trained. */
  List<Parameter> parameters() {
    return Collections.unmodifiableList(parameters);
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

  /** Frees weights and leaves. */
  @Override
  public void close() {
    factory.ifPresent(AdapterFactory::close);
    manager.close();
  }
}
