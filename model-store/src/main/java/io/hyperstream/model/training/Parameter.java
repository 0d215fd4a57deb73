package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.Optional;

/** A trained tensor. Compared by identity: comparing values would read them all. */
final class Parameter {
  private final List<String> names;
  private final Optional<String> task;
  private final NDArray value;

  /**
   * @param names the reference's names of what it holds: one, or several stacked along the first
   *     axis in equal parts (query, key and value projections)
   * @param task the only task whose batches it takes part in; empty if all do
   * @param value the leaf of the graph, changed in place by the optimiser
   */
  Parameter(List<String> names, Optional<String> task, NDArray value) {
    this.names = List.copyOf(names);
    this.task = task;
    this.value = value;
  }

  /** Its identity in checkpoints and logs. */
  String id() {
    return names.get(0);
  }

  List<String> names() {
    return names;
  }

  Optional<String> task() {
    return task;
  }

  NDArray value() {
    return value;
  }

  long size() {
    return value.getShape().size();
  }

  @Override
  public String toString() {
    return id() + " " + value.getShape();
  }
}
