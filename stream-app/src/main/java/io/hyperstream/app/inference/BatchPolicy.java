package io.hyperstream.app.inference;

import java.time.Duration;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Which waiting rows make the next batch. Stateless; knows lengths only, neither tasks nor threads.
 *
 * <p>The oldest row is always in, so no row starves. Rows of its length bucket come next, then
 * those of ever more distant buckets, as long as at most {@value #MAX_PADDING} of the batch is
 * padding.
 *
 * @param maxRows rows in a batch
 * @param maxTokens rows times the longest row's tokens, unless a single row has more
 * @param maxLinger how long the oldest row waits for company
 * @param bucketWidth tokens per length bucket
 */
record BatchPolicy(int maxRows, int maxTokens, Duration maxLinger, int bucketWidth) {
  static final double MAX_PADDING = 0.25;

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
    int oldest = bucket(lengths[0]);
    int[] candidates =
        IntStream.range(1, lengths.length)
            .boxed()
            .sorted(
                (a, b) ->
                    Integer.compare(
                        Math.abs(bucket(lengths[a]) - oldest),
                        Math.abs(bucket(lengths[b]) - oldest)))
            .mapToInt(Integer::intValue)
            .toArray();
    int[] chosen = new int[Math.min(maxRows, lengths.length)];
    int rows = 1;
    int longest = lengths[0];
    long tokens = lengths[0];
    for (int i = 0; i < candidates.length && rows < chosen.length; i++) {
      int length = lengths[candidates[i]];
      long padded = (rows + 1L) * Math.max(longest, length);
      boolean sameBucket = bucket(length) == oldest;
      if (padded > maxTokens
          || (!sameBucket && padded - (tokens + length) > MAX_PADDING * padded)) {
        continue;
      }
      chosen[rows++] = candidates[i];
      longest = Math.max(longest, length);
      tokens += length;
    }
    int[] batch = Arrays.copyOf(chosen, rows);
    Arrays.sort(batch);
    return batch;
  }

  private int bucket(int length) {
    return (length + bucketWidth - 1) / bucketWidth;
  }
}
