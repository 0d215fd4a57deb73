package io.hyperstream.app.inference;

import java.time.Duration;
import java.util.Arrays;

/**
 * Which waiting rows make the next batch. Stateless; knows lengths only, neither tasks nor threads.
 *
 * <p>The oldest row is always in, so no row starves. With it go rows of about its length: of all
 * runs of rows, in the order of their length, that have the oldest in them and are padding to at
 * most {@value #MAX_PADDING}, the one that makes the most of what it costs.
 *
 * @param maxRows rows in a batch
 * @param maxTokens rows times the longest row's tokens, unless a single row has more
 * @param maxLinger how long the oldest row waits for company
 * @param bucketWidth lengths count as the next multiple of this, to which the model pads anyway;
 *     among equally long rows the older ones go first
 */
record BatchPolicy(int maxRows, int maxTokens, Duration maxLinger, int bucketWidth) {
  static final double MAX_PADDING = 0.25;

  /** Tokens that cost about what a batch costs beside its tokens. */
  private static final int BATCH_COST = 256;

  BatchPolicy {
    if (maxRows < 1 || maxTokens < 1 || bucketWidth < 1 || maxLinger.isNegative()) {
      throw new IllegalArgumentException(
          "a batch needs max-batch-rows, max-batch-tokens and length-bucket of at least 1 and a"
              + " max-linger of at least 0; got "
              + maxRows
              + ", "
              + maxTokens
              + ", "
              + bucketWidth
              + " and "
              + maxLinger);
    }
  }

  /** Whether waiting longer cannot improve the batch. */
  boolean isFull(int rows, long tokens) {
    return rows >= maxRows || tokens >= maxTokens;
  }

  /**
   * The rows of the next batch.
   *
   * @param lengths tokens of each waiting row, oldest first; at least one
   * @return positions in {@code lengths}, ascending; 0 is always among them
   */
  int[] select(int[] lengths) {
    long[] order = byLength(lengths); // bucket and position
    int oldest = 0;
    while (position(order[oldest]) != 0) {
      oldest++;
    }
    int bestFrom = oldest;
    int bestTo = oldest + 1;
    double best = 0;
    long upwards = 0; // tokens from the oldest row up
    for (int to = oldest + 1; to <= Math.min(order.length, oldest + maxRows); to++) {
      int longest = tokens(order[to - 1]);
      upwards += longest;
      if (to > oldest + 1 && !fits(to - oldest, longest, upwards)) {
        continue; // shorter ones make it worse, but more of the long ones may not
      }
      long tokens = upwards;
      int from = oldest;
      while (true) {
        double worth = tokens / ((to - from) * (double) longest + BATCH_COST);
        if (worth > best) {
          best = worth;
          bestFrom = from;
          bestTo = to;
        }
        if (from == 0 || !fits(to - from + 1, longest, tokens + tokens(order[from - 1]))) {
          break;
        }
        from--;
        tokens += tokens(order[from]);
      }
    }
    return Arrays.stream(order, bestFrom, bestTo)
        .mapToInt(BatchPolicy::position)
        .sorted()
        .toArray();
  }

  private boolean fits(int rows, int longest, long tokens) {
    long padded = (long) rows * longest;
    return rows <= maxRows && padded <= maxTokens && padded - tokens <= MAX_PADDING * padded;
  }

  /** Shortest first, among equals the oldest. */
  private long[] byLength(int[] lengths) {
    long[] order = new long[lengths.length];
    for (int i = 0; i < lengths.length; i++) {
      long bucket = (lengths[i] + bucketWidth - 1L) / bucketWidth;
      order[i] = (bucket << Integer.SIZE) | i;
    }
    Arrays.sort(order);
    return order;
  }

  private static int position(long entry) {
    return (int) entry;
  }

  private int tokens(long entry) {
    return (int) (entry >> Integer.SIZE) * bucketWidth;
  }
}
