package io.hyperstream.model.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Which known task's adapters suit a new task: those whose answers without examples have the least
 * log-loss on some of its examples, in two rounds. One thread.
 */
final class StartChoice {
  /** A start is chosen by so many examples, after a first round by fewer. */
  private static final int START_ROWS = 32;

  private static final int FIRST_ROUND_ROWS = 8;
  private static final int SECOND_ROUND_STARTS = 5;

  /** Scores are scaled down by halves to this. */
  private static final double LEAST_SCALE = 1.0 / 16;

  private final FewShotMemory memory;
  private final List<Example> examples;
  private final int[] y;
  private final int labels;
  private final Runnable stopIfCancelled;
  private final int[] rows; // to choose by, in their order

  /**
   * @param y [examples] the label of each
   * @param labels how many there are
   * @param stopIfCancelled called before every pass through the model
   */
  StartChoice(
      FewShotMemory memory, List<Example> examples, int[] y, int labels, Runnable stopIfCancelled) {
    this.memory = memory;
    this.examples = examples;
    this.y = y;
    this.labels = labels;
    this.stopIfCancelled = stopIfCancelled;
    rows = Arrays.copyOf(inTurn(), Math.min(START_ROWS, y.length));
  }

  /** Runs what every choice begins with, so that it need not be run later. */
  void firstRound() {
    byLoss(memory.starts(), new boolean[y.length], FIRST_ROUND_ROWS);
  }

  /** The start with the least log-loss on rows learnt from, or on some of them. */
  String best(int[] learn) {
    return best(memory.starts(), learn);
  }

  /**
   * The starts that left-out examples choose from, where all that is known of a text is its vector:
   * none, the generic adapters, and those of the known task with the least log-loss without any
   * examples on rows learnt from.
   */
  List<String> finalists(int[] learn) {
    Set<String> known = new LinkedHashSet<>(memory.starts());
    known.removeAll(FewShotModel.UNSEEN);
    List<String> finalists = new ArrayList<>(memory.starts());
    finalists.removeAll(known);
    if (!known.isEmpty()) {
      finalists.add(best(known, learn));
    }
    return finalists;
  }

  String best(Collection<String> starts, int[] learn) {
    boolean[] may = new boolean[y.length];
    IntStream.of(learn).forEach(row -> may[row] = true);
    List<String> first = byLoss(starts, may, FIRST_ROUND_ROWS);
    List<String> second = first.subList(0, Math.min(SECOND_ROUND_STARTS, first.size()));
    return rows.length <= FIRST_ROUND_ROWS ? first.get(0) : byLoss(second, may, START_ROWS).get(0);
  }

  /**
   * Starts by their loss on the first rows to choose by, best first. The scores of each are scaled
   * as suits it, so that one that knows something is not beaten by one that says nothing.
   */
  private List<String> byLoss(Collection<String> starts, boolean[] may, int most) {
    int[] of = Arrays.copyOf(rows, Math.min(most, rows.length));
    List<Example> asked = IntStream.of(of).mapToObj(examples::get).toList();
    Map<String, Double> losses = new LinkedHashMap<>();
    memory.run(starts, asked, stopIfCancelled);
    for (String start : starts) {
      double[][] scores = memory.outputs(start, asked).scores();
      double least = Double.POSITIVE_INFINITY;
      for (double scale = 1; scale >= LEAST_SCALE; scale /= 2) {
        double loss = 0;
        for (int i = 0; i < of.length; i++) {
          if (may[of[i]]) {
            double[] p = Stacking.softmax(Stacking.scaled(scores[i], scale));
            loss -= Math.log(Math.max(1e-12, p[y[of[i]]]));
          }
        }
        least = Math.min(least, loss);
      }
      losses.put(start, least);
    }
    return losses.keySet().stream().sorted(Comparator.comparing(losses::get)).toList();
  }

  /**
   * Rows in random order, the labels in turn. A few examples more or less change little in the
   * order of the others, so that what was run for the first of them is not run again.
   */
  private int[] inTurn() {
    long[] place = new long[y.length];
    Arrays.setAll(
        place,
        row -> new SplittableRandom(LabelledRows.key(examples.get(row)).hashCode()).nextLong());
    List<Integer> shuffled = new ArrayList<>(IntStream.range(0, y.length).boxed().toList());
    shuffled.sort(Comparator.comparingLong(row -> place[row]));
    int[] turn = new int[y.length];
    int[] count = new int[labels];
    shuffled.forEach(row -> turn[row] = count[y[row]]++);
    shuffled.sort(Comparator.comparing(row -> turn[row])); // stable
    return shuffled.stream().mapToInt(row -> row).toArray();
  }
}
