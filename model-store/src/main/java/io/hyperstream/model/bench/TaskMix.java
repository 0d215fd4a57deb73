package io.hyperstream.model.bench;

import java.util.Arrays;
import java.util.Random;

/** Which tasks the rows of a batch belong to. */
public enum TaskMix {
  /** All alike: evenly spread in a batch that has space for all of them. */
  UNIFORM,
  /** The k-th task's share is proportional to 1/k. */
  ZIPF;

  /** The task of each of a batch's rows, ascending. */
  int[] draw(int tasks, int rows, Random random) {
    int[] drawn = new int[rows];
    if (this == UNIFORM && tasks <= rows) {
      Arrays.setAll(drawn, row -> (int) ((long) row * tasks / rows));
    } else if (this == UNIFORM) {
      Arrays.setAll(drawn, row -> random.nextInt(tasks));
    } else {
      double[] cumulative = new double[tasks];
      double sum = 0;
      for (int k = 0; k < tasks; k++) {
        sum += 1.0 / (k + 1);
        cumulative[k] = sum;
      }
      for (int row = 0; row < rows; row++) {
        int at = Arrays.binarySearch(cumulative, random.nextDouble() * sum);
        drawn[row] = Math.min(tasks - 1, at < 0 ? -at - 1 : at);
      }
    }
    Arrays.sort(drawn);
    return drawn;
  }
}
