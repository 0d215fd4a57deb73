package io.hyperstream.model.task;

/** What happens to a text with more tokens than the model's source length. */
public enum OverLengthPolicy {
  /** Cut to the source length; the prediction says so. */
  TRUNCATE,
  /** Refuse the record with {@code TEXT_TOO_LONG}. */
  REJECT,
  /**
   * Answer with the mean over windows of the whole text; nothing is cut. Only labels have a mean
   * that makes sense.
   */
  WINDOWS;

  /**
   * Checks that answers of a kind can be made so.
   *
   * @throws IllegalArgumentException if not, saying why
   */
  public void requireFor(TaskKind kind) {
    if (this == WINDOWS && kind != TaskKind.CLASSIFICATION) {
      throw new IllegalArgumentException(
          "overLength WINDOWS answers with the mean over windows of a text, which only labels have; use"
              + " TRUNCATE or REJECT");
    }
  }
}
