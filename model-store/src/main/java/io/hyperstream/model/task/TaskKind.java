package io.hyperstream.model.task;

/** What a task's prediction is. */
public enum TaskKind {
  /** One of a fixed set of labels, by the exact score of their verbalizers. */
  CLASSIFICATION,
  /** A number, decoded as text and parsed. */
  REGRESSION,
  /** Free text, decoded greedily or by beam search. */
  GENERATION
}
