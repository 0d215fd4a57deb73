package io.hyperstream.model.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * In which order one task's rows are learnt from: every row once per epoch, the last ones too, rows
 * of like length together. A batch is a function of the seed and its position alone, so a position
 * is all a checkpoint needs: 0 for the first, {@link #next} for the one after. One thread.
 */
final class BatchPlan {
  /** Rows of so many batches are sorted by length together: little padding, much shuffling. */
  private static final int WINDOW = 50;

  private final int[][] inputs;
  private final int batchSize;
  private final int batchTokens;
  private final long seed;
  private long epoch = -1;
  private List<int[]> batches = List.of();

  /**
   * @param batchSize most rows of a batch
   * @param batchTokens most tokens of a batch's inputs, padding included; 0 for no such limit. A
   *     row that is longer is a batch of its own
   */
  BatchPlan(int[][] inputs, int batchSize, int batchTokens, long seed) {
    if (inputs.length == 0) {
      throw new IllegalArgumentException("a task without examples cannot be trained");
    }
    this.inputs = inputs;
    this.batchSize = batchSize;
    this.batchTokens = batchTokens;
    this.seed = seed;
  }

  /** Batches of the first epoch; where tokens limit them, others may have a few more or less. */
  int batchesPerEpoch() {
    return epoch(0).size();
  }

  /** The rows of the batch at a position. */
  int[] batch(long position) {
    return epoch(position >>> 32).get((int) position);
  }

  /** The position after one: the next epoch's first after the last of an epoch. */
  long next(long position) {
    boolean last = (int) position == epoch(position >>> 32).size() - 1;
    return last ? ((position >>> 32) + 1) << 32 : position + 1;
  }

  private List<int[]> epoch(long wanted) {
    if (wanted != epoch) {
      batches = shuffled(wanted);
      epoch = wanted;
    }
    return batches;
  }

  private List<int[]> shuffled(long ofEpoch) {
    Random random = new Random(Seeds.mix(seed, ofEpoch));
    List<Integer> rows = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      rows.add(i);
    }
    Collections.shuffle(rows, random);
    int window = WINDOW * batchSize;
    List<int[]> out = new ArrayList<>();
    for (int from = 0; from < rows.size(); from += window) {
      List<Integer> part = rows.subList(from, Math.min(rows.size(), from + window));
      part.sort(Comparator.comparingInt(row -> inputs[row].length));
      int[] sorted = part.stream().mapToInt(Integer::intValue).toArray();
      int[] lengths = Arrays.stream(sorted).map(row -> inputs[row].length).toArray();
      int begun = 0;
      for (int end : cut(lengths, batchSize, batchTokens)) {
        out.add(Arrays.copyOfRange(sorted, begun, end));
        begun = end;
      }
    }
    Collections.shuffle(out, random);
    return out;
  }

  /**
   * Where batches of rows sorted by length end.
   *
   * @param lengths ascending
   */
  static List<Integer> cut(int[] lengths, int batchSize, int batchTokens) {
    List<Integer> ends = new ArrayList<>();
    int begun = 0;
    for (int i = 0; i < lengths.length; i++) {
      long padded = (long) (i + 1 - begun) * lengths[i];
      if (i > begun && (i - begun == batchSize || (batchTokens > 0 && padded > batchTokens))) {
        ends.add(i);
        begun = i;
      }
    }
    ends.add(lengths.length);
    return ends;
  }
}
