package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.tensor.Activation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The models the paper compares (its tables 1 and 2), as its code's {@code configs/*.json} set them
 * up. Common to all, see {@link TrainingOptions#paper}: learning rate 3e-4, 500 steps of warm-up,
 * batches of 32, T = 10, label smoothing 0.1, 65,536 steps.
 */
public enum Preset {
  /** {@code hyperformer++.json}: one hypernetwork over task, layer and position. */
  HYPERFORMER_PLUS_PLUS("hyperformer++", AdapterConfig.Kind.HYPERFORMER_PLUS_PLUS, false),
  /** {@code hyperformer.json}: a hypernetwork per position, over task and layer. */
  HYPERFORMER("hyperformer", AdapterConfig.Kind.HYPERFORMER, false),
  /** {@code adapter_dagger.json}: adapters of each task, layer norms shared by all. */
  ADAPTERS_SHARED_NORMS("adapters-shared-norms", AdapterConfig.Kind.PLAIN, false),
  /** {@code adapters.json}: adapters and layer norms of each task, a model per task. */
  ADAPTERS("adapters", AdapterConfig.Kind.PLAIN, true),
  /** {@code finetune.json}: all of T5 on all tasks. */
  FINETUNE("finetune", null, false),
  /** {@code finetune_single_task.json}: all of T5, a model per task. */
  FINETUNE_SINGLE_TASK("finetune-single-task", null, true);

  /** d_model over the adapters' bottleneck. */
  public static final int REDUCTION_FACTOR = 32;

  /** The same for the adapters of encoders. */
  public static final int ENCODER_REDUCTION_FACTOR = 24;

  private static final int TASK_EMBEDDING = 64;
  private static final int PROJECTED = 64;
  private static final int HIDDEN = 128;

  private final String label;
  private final Optional<AdapterConfig.Kind> kind;
  private final boolean perTask;

  Preset(String label, AdapterConfig.Kind kind, boolean perTask) {
    this.label = label;
    this.kind = Optional.ofNullable(kind);
    this.perTask = perTask;
  }

  /**
   * @throws IllegalArgumentException naming those there are
   */
  public static Preset named(String name) {
    return Arrays.stream(values())
        .filter(preset -> preset.label.equalsIgnoreCase(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no preset '"
                        + name
                        + "'; there are "
                        + Arrays.stream(values())
                            .map(Preset::label)
                            .collect(Collectors.joining(", "))));
  }

  /** The name people type. */
  public String label() {
    return label;
  }

  /** What is trained. */
  public Trainable trainable() {
    return kind.isPresent() ? Trainable.ADAPTERS : Trainable.EVERYTHING;
  }

  /** Whether each task gets a model of its own; otherwise one model learns all. */
  public boolean perTask() {
    return perTask;
  }

  /** The adapters for some tasks; empty where T5 itself is all there is. */
  public Optional<AdapterConfig> adapters(List<String> tasks, int reductionFactor) {
    return kind.map(
        of ->
            new AdapterConfig(
                of,
                tasks,
                reductionFactor,
                TASK_EMBEDDING,
                PROJECTED,
                HIDDEN,
                Activation.GELU_NEW,
                false,
                true,
                of != AdapterConfig.Kind.PLAIN,
                true,
                0));
  }

  /**
   * The adapters for some tasks in an encoder: without norms, which would not let them start as
   * almost nothing, and, where embeddings make them, with those for tasks nobody has seen. Empty
   * where the backbone itself is all there is.
   *
   * @param firstLayer the layers below it have none
   */
  public Optional<AdapterConfig> encoderAdapters(
      List<String> tasks, int reductionFactor, int firstLayer) {
    return kind.map(
        of -> {
          List<String> all = new ArrayList<>(tasks);
          if (of != AdapterConfig.Kind.PLAIN) {
            all.add(AdapterConfig.GENERIC);
          }
          return new AdapterConfig(
              of,
              all,
              reductionFactor,
              TASK_EMBEDDING,
              PROJECTED,
              HIDDEN,
              Activation.RELU,
              false,
              false,
              false,
              true,
              firstLayer);
        });
  }

  @Override
  public String toString() {
    return label;
  }
}
