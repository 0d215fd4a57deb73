package io.hyperstream.model.inference;

/**
 * How many tokens the encoder was asked for and how many it computed.
 *
 * @param asked of all rows
 * @param computed those of equal texts with equal adapters in a batch once
 */
public record TokenCounts(long asked, long computed) {
  /** Before the first batch, and of predictors that do not count. */
  public static final TokenCounts NONE = new TokenCounts(0, 0);

  /** The share of the tokens that was known from another row of the batch; 0 before the first. */
  public double shared() {
    return asked == 0 ? 0 : Math.max(0, 1 - (double) computed / asked);
  }

  /** What was counted since an earlier time. */
  public TokenCounts since(TokenCounts earlier) {
    return new TokenCounts(asked - earlier.asked, computed - earlier.computed);
  }
}
