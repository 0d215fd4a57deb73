package io.hyperstream.model.inference;

/** What became of one row of a batch: an answer, or a permanent failure of that row alone. */
public sealed interface RowResult permits TaskPrediction, RowFailure {}
