package io.hyperstream.model.task;

/** What happens to a text with more tokens than the model's source length. */
public enum OverLengthPolicy {
  /** Cut to the source length; the prediction says so. */
  TRUNCATE,
  /** Refuse the record with {@code TEXT_TOO_LONG}. */
  REJECT,
  /**
   * Answer with the mean over windows of the whole text; nothing is cut. Generated texts have no
   * mean.
   */
  WINDOWS;

  /**
   * Checks that answers of a kind can be made so.
   *
   * @throws IllegalArgumentException if not, saying why
   */
  public void requireFor(TaskKind kind) {
    if (this == WINDOWS && kind == TaskKind.GENERATION) {
      throw new IllegalArgumentException(
          "overLength WINDOWS answers with a mean, which generated texts do not have; use TRUNCATE"
              + " or REJECT");
    }
  }
}
