package io.hyperstream.model.inference;

import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.InferenceException.Code;
import io.hyperstream.model.task.TaskDefinition;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What serves a task before any version is published, and which adapters fit a model. Any thread.
 */
public final class StartingAdapters {
  private final Optional<AdapterFactory> factory;
  private final Map<String, float[]> embeddings;
  private final AdapterForm otherwise;

  public StartingAdapters(LoadedModel model) {
    this.factory = model.adapters();
    this.embeddings = factory.map(AdapterFactory::taskEmbeddings).orElse(Map.of());
    float[] generic = embeddings.get(AdapterConfig.GENERIC);
    this.otherwise =
        embeddings.isEmpty() || model.family().answersBare()
            ? new AdapterForm.None()
            : new AdapterForm.Embedding(generic != null ? generic : mean(embeddings.values()));
  }

  /**
   * None where the backbone answers without; else what was trained for tasks nobody has seen, or
   * the mean of all.
   */
  public AdapterForm ofNoTask() {
    return otherwise;
  }

  /**
   * Version 0 of a task.
   *
   * @throws InferenceException INVALID_TASK if it names a source task this model does not have
   */
  public TaskAdapter of(TaskDefinition task) {
    return new TaskAdapter(task.taskId(), 0, start(task));
  }

  private AdapterForm start(TaskDefinition task) {
    List<String> known = sourceTasks();
    if (known.isEmpty()) {
      return otherwise;
    }
    for (String name : task.initFrom()) {
      if (!known.contains(name)) {
        throw new InferenceException(
            Code.INVALID_TASK,
            "it starts from '%s', which this model does not know; it knows %s"
                .formatted(name, known));
      }
    }
    List<String> from = task.initFrom();
    if (from.isEmpty()) {
      if (!known.contains(task.taskId())) {
        return otherwise;
      }
      from = List.of(task.taskId());
    }
    if (embeddings.isEmpty()) {
      // Plain adapters have no mean: the first named serves.
      return new AdapterForm.Named(from.get(0));
    }
    return new AdapterForm.Embedding(
        from.size() == 1
            ? embeddings.get(from.get(0))
            : mean(from.stream().map(embeddings::get).toList()));
  }

  private List<String> sourceTasks() {
    return factory.map(made -> made.config().tasks()).orElse(List.of());
  }

  private static float[] mean(Collection<float[]> values) {
    float[] mean = new float[values.iterator().next().length];
    for (float[] value : values) {
      for (int i = 0; i < mean.length; i++) {
        mean[i] += value[i] / values.size();
      }
    }
    return mean;
  }

  /**
   * Refuses an adapter this model could never apply.
   *
   * @throws InferenceException INVALID_TASK
   */
  void check(TaskAdapter adapter) {
    if (!(adapter.form() instanceof AdapterForm.Embedding embedding)) {
      return;
    }
    int expected =
        factory
            .map(AdapterFactory::config)
            .filter(config -> config.kind() != AdapterConfig.Kind.PLAIN)
            .map(AdapterConfig::taskEmbeddingDim)
            .orElse(0);
    if (embedding.values().length != expected) {
      throw new InferenceException(
          Code.INVALID_TASK,
          "version %d of task '%s' has an embedding of %d values; this model's have %d"
              .formatted(adapter.version(), adapter.taskId(), embedding.values().length, expected));
    }
  }

  /**
   * Makes weights, each to be closed by the caller.
   *
   * @throws CheckpointException if a form does not belong to this model
   */
  public List<AdapterWeights> make(List<AdapterForm> forms) {
    if (factory.isPresent()) {
      return factory.get().make(forms);
    }
    for (AdapterForm form : forms) {
      if (!(form instanceof AdapterForm.None)) {
        throw new CheckpointException(
            "this model is a bare backbone; import it with a hypernetwork to use adapters");
      }
    }
    return forms.stream().map(form -> AdapterWeights.NONE).toList();
  }
}
