package io.hyperstream.model.task;

/** What happens to a text with more tokens than the model's source length. */
public enum OverLengthPolicy {
  /** Cut to the source length; the prediction says so. */
  TRUNCATE,
  /** Refuse the record with {@code TEXT_TOO_LONG}. */
  REJECT,
  /** Read the whole text in windows of the source length; the answer is of their mean. */
  WINDOWS
}
