package io.hyperstream.model.inference;

import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.task.TaskKind;

/**
 * A row on its way through a batch.
 *
 * @param index its place in the caller's list
 * @param row what was prepared
 * @param weights its adapters, resident until the batch is done
 */
record TaskRow(int index, PreparedRow row, AdapterWeights weights) {
  /** Whether label vectors answer together with the decoder. */
  boolean hasHead() {
    return row.adapter().head().isPresent() && row.task().kind() == TaskKind.CLASSIFICATION;
  }
}
