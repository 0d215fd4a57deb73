package io.hyperstream.model.task;

/** What happens to a text with more tokens than the model's source length. */
public enum OverLengthPolicy {
  /** Cut to the source length; the prediction says so. */
  TRUNCATE,
  /** Refuse the record with {@code TEXT_TOO_LONG}. */
  REJECT
}
