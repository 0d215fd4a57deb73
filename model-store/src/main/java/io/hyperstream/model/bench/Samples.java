package io.hyperstream.model.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Repetitions of one measurement, sorted. */
record Samples(double[] sorted) {

  /** Work to be timed. */
  interface Work {
    void run();
  }

  static Samples of(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return new Samples(sorted);
  }

  /**
   * Times several pieces of work in turn, round after round, so that whatever disturbs the machine
   * disturbs them alike.
   *
   * @return seconds of each
   */
  static List<Samples> inTurn(int warmUps, int rounds, List<Work> works) {
    for (int i = 0; i < warmUps; i++) {
      works.forEach(Work::run);
    }
    double[][] seconds = new double[works.size()][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < works.size(); i++) {
        long start = System.nanoTime();
        works.get(i).run();
        seconds[i][round] = (System.nanoTime() - start) / 1e9;
      }
    }
    List<Samples> out = new ArrayList<>();
    for (double[] of : seconds) {
      out.add(of(of));
    }
    return out;
  }

  /** An amount of work per second, from seconds. */
  Samples rate(double amount) {
    return of(Arrays.stream(sorted).map(seconds -> amount / seconds).toArray());
  }

  double median() {
    return quantile(0.5);
  }

  /** Interquartile range over the median. */
  double spread() {
    return (quantile(0.75) - quantile(0.25)) / median();
  }

  private double quantile(double q) {
    double at = q * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
