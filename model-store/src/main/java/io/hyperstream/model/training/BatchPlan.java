package io.hyperstream.model.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * In which order one task's rows are learnt from: every row once per epoch, the last ones too, rows
 * of like length together. Batch i is a function of the seed and i alone, so a position is all a
 * checkpoint needs. One thread.
 */
final class BatchPlan {
  /** Rows of so many batches are sorted by length together: little padding, much shuffling. */
  private static final int WINDOW = 50;

  private final int[][] inputs;
  private final int batchSize;
  private final long seed;
  private long epoch = -1;
  private List<int[]> batches = List.of();

  BatchPlan(int[][] inputs, int batchSize, long seed) {
    if (inputs.length == 0) {
      throw new IllegalArgumentException("a task without examples cannot be trained");
    }
    this.inputs = inputs;
    this.batchSize = batchSize;
    this.seed = seed;
  }

  int batchesPerEpoch() {
    return (inputs.length + batchSize - 1) / batchSize;
  }

  /** The rows of a batch, counted from 0 over all epochs. */
  int[] batch(long index) {
    long wanted = index / batchesPerEpoch();
    if (wanted != epoch) {
      batches = shuffled(wanted);
      epoch = wanted;
    }
    return batches.get((int) (index % batchesPerEpoch()));
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
      for (int i = 0; i < sorted.length; i += batchSize) {
        out.add(Arrays.copyOfRange(sorted, i, Math.min(sorted.length, i + batchSize)));
      }
    }
    Collections.shuffle(out, random);
    return out;
  }
}
