package io.hyperstream.model.hyper;

import io.hyperstream.model.prototype.LabelHead;
import java.nio.file.Path;
import java.util.Optional;

/**
 * One version of one task's adapters, as data: cheap to hold (an embedding is 256 bytes), made into
 * weights by the {@code AdapterBank} when a batch needs it. Immutable; identity is (taskId,
 * version).
 *
 * @param version 0 for the start a model knows, then as published
 * @param head label vectors that answer together with the decoder, if the version has any
 */
public record TaskAdapter(String taskId, long version, AdapterForm form, Optional<LabelHead> head) {

  /** Adapters alone: the decoder answers. */
  public TaskAdapter(String taskId, long version, AdapterForm form) {
    this(taskId, version, form, Optional.empty());
  }

  /** The same; an empty embedding stands for the task's start. */
  public TaskAdapter orStart(TaskAdapter start) {
    return form instanceof AdapterForm.Embedding embedding && embedding.values().length == 0
        ? new TaskAdapter(taskId, version, start.form(), head)
        : this;
  }

  /** Where its weights lie, if it is made of weights. */
  public Optional<Path> weightsFile() {
    return form instanceof AdapterForm.Weights weights
        ? Optional.of(weights.file())
        : Optional.empty();
  }
}
