package io.hyperstream.model.checkpoint;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/** Named tensors to load a model from: a safetensors file, or several with an index. */
public interface TensorSource {

  /** All names, in file order. */
  Set<String> names();

  /**
   * What is stored under a name.
   *
   * @throws CheckpointException if there is no such tensor; the message names the source
   */
  TensorInfo info(String name);

  /**
   * Loads one tensor. Floating point of any width arrives as float32 on the manager's device,
   * integers as stored. On a CPU a float32 or integer tensor is a view of the mapped file: READ
   * ONLY, writing to it ends the process. The result belongs to the manager and to no open scope.
   *
   * @throws CheckpointException if there is no such tensor or its file is damaged
   */
  NDArray read(NDManager manager, String name);

  /** Where the tensors come from, for messages. */
  String origin();

  /** The file that holds a tensor, for messages. */
  default String origin(String name) {
    return origin();
  }

  /**
   * The index of a tensor's first value that is NaN or infinite. Empty if there is none, as in
   * tensors of integers and those that were never in a file.
   *
   * @throws CheckpointException if there is no such tensor or its file is damaged
   */
  default OptionalLong firstNotFinite(String name) {
    return OptionalLong.empty();
  }

  /** What to throw where a tensor is not there. */
  default CheckpointException missing(String name) {
    String start = origin() + " has no tensor '" + name + "'";
    for (String other : names()) {
      if (other.endsWith("." + name)) {
        String prefix = other.substring(0, other.length() - name.length());
        return new CheckpointException(
            "%s but '%s': it was saved as a part of something larger. Save the model itself, so that names do not begin with '%s'"
                .formatted(start, other, prefix));
      }
    }
    return new CheckpointException(
        "%s, which the configuration asks for; its first is '%s'. Take config.json and weights of one model"
            .formatted(start, names().stream().findFirst().orElse("none")));
  }

  /** Whether a tensor never changes, so that it can be read again or kept in another form. */
  default boolean frozen(String name) {
    return true;
  }

  default boolean has(String name) {
    return names().contains(name);
  }

  /**
   * Loads a tensor whose shape the model's configuration prescribes.
   *
   * @throws CheckpointException if it is missing or of another shape
   */
  default NDArray read(NDManager manager, String name, long... shape) {
    TensorInfo info = info(name);
    if (!Arrays.equals(info.shape(), shape)) {
      throw new CheckpointException(
          origin(name)
              + ": tensor '"
              + name
              + "' has shape "
              + Arrays.toString(info.shape())
              + "; the configuration asks for "
              + Arrays.toString(shape)
              + ". Take config.json and weights of one model");
    }
    return read(manager, name);
  }

  /**
   * Loads several matrices [rows, columns] on top of each other, in the order of their names.
   *
   * @return [names * rows, columns], writable; belongs to the manager and to no open scope
   */
  default NDArray readStacked(NDManager manager, List<String> names, long rows, long columns) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      List<NDArray> parts = new ArrayList<>();
      for (String name : names) {
        parts.add(read(manager, name, rows, columns));
      }
      NDArray stacked = Ops.own(manager, Ops.concat(parts, 0));
      parts.forEach(NDArray::close);
      return stacked;
    }
  }
}
