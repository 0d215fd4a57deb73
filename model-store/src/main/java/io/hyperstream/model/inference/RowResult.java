package io.hyperstream.model.inference;

/** The outcome of one row of a batch: an answer, or a permanent failure of that row alone. */
public sealed interface RowResult permits TaskPrediction, RowFailure {}
