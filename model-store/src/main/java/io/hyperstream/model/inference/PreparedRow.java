package io.hyperstream.model.inference;

import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.task.TaskDefinition;

/**
 * One text ready for a batch. Immutable; made by {@link Predictor#prepare}.
 *
 * @param inputIds token ids, end token included, no padding; not to be changed
 * @param truncated whether the text was cut to fit
 */
public record PreparedRow(
    TaskDefinition task, TaskAdapter adapter, int[] inputIds, boolean truncated) {}
