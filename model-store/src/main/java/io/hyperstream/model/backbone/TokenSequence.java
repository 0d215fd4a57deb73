package io.hyperstream.model.backbone;

/**
 * Token ids of one sequence, special tokens included, without padding.
 *
 * @param ids not to be changed
 * @param secondFrom where the second text of a pair begins; the length if there is none
 */
public record TokenSequence(int[] ids, int secondFrom) {
  /** A single text. */
  public TokenSequence(int[] ids) {
    this(ids, ids.length);
  }

  public int length() {
    return ids.length;
  }
}
