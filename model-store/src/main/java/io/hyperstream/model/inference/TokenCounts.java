package io.hyperstream.model.inference;

/**
 * How many tokens went through the encoder.
 *
 * @param real tokens of texts
 * @param computed with what shorter texts of a batch were padded with
 */
public record TokenCounts(long real, long computed) {

  /** The share of the computed tokens that was padding; 0 before the first batch. */
  public double padding() {
    return computed == 0 ? 0 : 1 - (double) real / computed;
  }

  /** What was counted since an earlier time. */
  public TokenCounts since(TokenCounts earlier) {
    return new TokenCounts(real - earlier.real, computed - earlier.computed);
  }
}
