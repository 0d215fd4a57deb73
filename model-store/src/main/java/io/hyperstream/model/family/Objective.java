package io.hyperstream.model.family;

import io.hyperstream.model.task.TaskKind;

/** What a family's models are trained for on the labelled rows of many tasks. */
public enum Objective {
  /** To write the label: cross entropy over its tokens. Takes a decoder. */
  TARGET_TOKENS,
  /**
   * To put a text near its label: cross entropy over cosines to the labels' vectors. Takes a {@code
   * LabelReadout} that has vectors; only adapters are trained.
   */
  LABEL_VECTORS;

  /** Whether tasks of a kind can be learnt. */
  public boolean learns(TaskKind kind) {
    return switch (this) {
      case TARGET_TOKENS -> true;
      case LABEL_VECTORS -> kind == TaskKind.CLASSIFICATION;
    };
  }
}
