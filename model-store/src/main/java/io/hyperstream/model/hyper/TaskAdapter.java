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
 * @param taught whether it learnt from labelled examples: it was published, and has something of
 *     its own (label vectors, an embedding or weights) rather than the model's start alone
 */
public record TaskAdapter(
    String taskId, long version, AdapterForm form, Optional<LabelHead> head, boolean taught) {

  /** Adapters as they are published: what they are made of says whether they learnt anything. */
  public TaskAdapter(String taskId, long version, AdapterForm form, Optional<LabelHead> head) {
    this(taskId, version, form, head, version > 0 && (head.isPresent() || isOwn(form)));
  }

  /** Adapters alone: the decoder answers. */
  public TaskAdapter(String taskId, long version, AdapterForm form) {
    this(taskId, version, form, Optional.empty());
  }

  /** The same; an empty embedding stands for the task's start. */
  public TaskAdapter orStart(TaskAdapter start) {
    return form instanceof AdapterForm.Embedding embedding && embedding.values().length == 0
        ? new TaskAdapter(taskId, version, start.form(), head, taught)
        : this;
  }

  /** Unlike the start of a task, which an empty embedding stands for too. */
  private static boolean isOwn(AdapterForm form) {
    return form instanceof AdapterForm.Weights
        || (form instanceof AdapterForm.Embedding embedding && embedding.values().length > 0);
  }

  /** Where its weights lie, if it is made of weights. */
  public Optional<Path> weightsFile() {
    return form instanceof AdapterForm.Weights weights
        ? Optional.of(weights.file())
        : Optional.empty();
  }
}
