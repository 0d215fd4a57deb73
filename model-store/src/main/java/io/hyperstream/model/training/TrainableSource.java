package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.checkpoint.ForwardingTensors;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes a model trainable by standing between it and its weights: what is to be trained is read
 * once into a leaf of the graph, and every later read gives that leaf. The rest passes through.
 */
final class TrainableSource extends ForwardingTensors {
  private static final String TASK_EMBEDDING = "task_embedding_controller.task_to_embeddings.";
  private static final Pattern PLAIN_ADAPTER =
      Pattern.compile(".*\\.adapter_controller\\.adapters\\.(.+)\\.(?:down|up)_sampler\\.\\w+");

  private final Predicate<String> trained;
  private final NDManager manager;
  private final Map<String, Parameter> parameters = new LinkedHashMap<>();

  /**
   * @param trained whether the tensor of a name is to be trained
   */
  TrainableSource(TensorSource source, Predicate<String> trained, NDManager manager) {
    super(source);
    this.trained = trained;
    this.manager = manager;
  }

  /** What was read so far and is trained. */
  Collection<Parameter> parameters() {
    return Collections.unmodifiableCollection(parameters.values());
  }

  /** A task's embedding [t]: the leaf, or a constant if embeddings are not trained. */
  NDArray taskEmbedding(String task, int width) {
    String name = TASK_EMBEDDING + task;
    return trained.test(name) ? leaf(List.of(name), width) : source.read(manager, name, width);
  }

  @Override
  public boolean frozen(String name) {
    return !trained.test(name);
  }

  @Override
  public NDArray read(NDManager owner, String name) {
    return read(owner, name, info(name).shape());
  }

  @Override
  public NDArray read(NDManager owner, String name, long... shape) {
    // The factory reads embeddings only to copy their values.
    if (!trained.test(name) || name.startsWith(TASK_EMBEDDING)) {
      return source.read(owner, name, shape);
    }
    return leaf(List.of(name), shape);
  }

  @Override
  public NDArray readStacked(NDManager owner, List<String> names, long rows, long columns) {
    return names.stream().allMatch(trained)
        ? leaf(names, rows, columns)
        : super.readStacked(owner, names, rows, columns);
  }

  private NDArray leaf(List<String> names, long... shape) {
    Parameter known = parameters.get(names.get(0));
    if (known != null) {
      return known.value();
    }
    try (NDScope scope = Ops.scope();
        NDManager reading = manager.newSubManager()) {
      scope.suppressNotUsedWarning();
      NDArray values =
          names.size() == 1
              ? source.read(reading, names.get(0), shape)
              : source.readStacked(reading, names, shape[0], shape[1]);
      NDArray leaf = Autograd.leaf(manager, values);
      leaf.setName(names.get(0));
      parameters.put(names.get(0), new Parameter(names, task(names.get(0)), leaf));
      return leaf;
    }
  }

  private static Optional<String> task(String name) {
    if (name.startsWith(TASK_EMBEDDING)) {
      return Optional.of(name.substring(TASK_EMBEDDING.length()));
    }
    Matcher plain = PLAIN_ADAPTER.matcher(name);
    return plain.matches() ? Optional.of(plain.group(1)) : Optional.empty();
  }
}
