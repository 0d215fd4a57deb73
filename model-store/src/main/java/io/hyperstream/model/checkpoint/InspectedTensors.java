package io.hyperstream.model.checkpoint;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Tensors that are looked through as they are read: every value has to be finite. Remembers which
 * were read, and so knows what a model has left unread. One thread.
 */
public final class InspectedTensors extends ForwardingTensors {
  private final Set<String> read = new HashSet<>();

  public InspectedTensors(TensorSource source) {
    super(source);
  }

  @Override
  public NDArray read(NDManager manager, String name) {
    requireFinite(name);
    read.add(name);
    return source.read(manager, name);
  }

  private void requireFinite(String name) {
    OptionalLong index = source.firstNotFinite(name);
    if (index.isPresent()) {
      throw new CheckpointException(
          "%s: tensor '%s' has a value that is not finite, its number %d of %d (counted from 0): the weights are damaged or their training diverged; get or save them again"
              .formatted(origin(name), name, index.getAsLong(), info(name).size()));
    }
  }

  /** Looks all tensors through, also those that nobody has read. */
  public void requireAllFinite() {
    names().stream().filter(name -> !read.contains(name)).forEach(this::requireFinite);
  }

  /**
   * Refuses a tensor that was left unread although others were read whose names differ from its
   * name in numbers only: a layer beyond those that the configuration speaks of.
   *
   * @throws CheckpointException naming it
   */
  public void requireNoFurtherLayer() {
    Set<String> patterns = new HashSet<>();
    read.forEach(name -> patterns.add(pattern(name)));
    for (String name : names()) {
      if (!read.contains(name) && patterns.contains(pattern(name))) {
        throw new CheckpointException(
            "%s: tensor '%s' belongs to a layer beyond those that config.json speaks of; they are of different models: correct the number of layers, or take both from one model"
                .formatted(origin(name), name));
      }
    }
  }

  private static String pattern(String name) {
    return name.replaceAll("[0-9]+", "#");
  }
}
