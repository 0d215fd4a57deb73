package io.hyperstream.app.inference;

import java.time.Duration;

/**
 * Which waiting rows make the next batch: the oldest ones. Their lengths may differ, because
 * padding is not computed. Stateless; knows lengths only, neither tasks nor threads.
 *
 * @param maxRows rows in a batch
 * @param maxTokens tokens in a batch, unless a single row has more
 * @param maxLinger how long the oldest row waits for company
 */
record BatchPolicy(int maxRows, int maxTokens, Duration maxLinger) {
  BatchPolicy {
    if (maxRows < 1 || maxTokens < 1 || maxLinger.isNegative()) {
      throw new IllegalArgumentException(
          "a batch needs max-batch-rows and max-batch-tokens of at least 1 and a max-linger of at"
              + " least 0; got %d, %d and %s".formatted(maxRows, maxTokens, maxLinger));
    }
  }

  /** Whether waiting longer cannot improve the batch. */
  boolean isFull(int rows, long tokens) {
    return rows >= maxRows || tokens >= maxTokens;
  }

  /**
   * How many rows the next batch has.
   *
   * @param lengths tokens of each waiting row, oldest first; at least one
   */
  int count(int[] lengths) {
    long tokens = lengths[0];
    int rows = 1;
    while (rows < Math.min(lengths.length, maxRows) && tokens + lengths[rows] <= maxTokens) {
      tokens += lengths[rows++];
    }
    return rows;
  }
}
