package io.hyperstream.model.bench;

import io.hyperstream.model.inference.PreparedRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Rows in batches for a measurement that knows all of them beforehand. */
public final class Batches {
  private Batches() {}

  /**
   * Sorts rows by length and cuts them into the largest batches allowed, which have the least
   * padding.
   *
   * @param maxRows of a batch
   * @param maxTokens of a batch: rows times the longest row; a longer row is a batch of its own
   */
  public static List<List<PreparedRow>> byLength(
      List<PreparedRow> rows, int maxRows, int maxTokens) {
    List<PreparedRow> sorted = new ArrayList<>(rows);
    sorted.sort(Comparator.comparingInt(PreparedRow::tokens));
    List<List<PreparedRow>> batches = new ArrayList<>();
    int from = 0;
    for (int to = 1; to <= sorted.size(); to++) {
      if (to == sorted.size()
          || to - from == maxRows
          || (to + 1L - from) * sorted.get(to).tokens() > maxTokens) {
        batches.add(List.copyOf(sorted.subList(from, to)));
        from = to;
      }
    }
    return batches;
  }
}
