package io.hyperstream.model.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Repetitions of one measurement, in the order they were made. */
public record Samples(double[] values) {

  /** Work to be timed. */
  interface Work {
    void run();
  }

  public static Samples of(double... values) {
    return new Samples(values.clone());
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
    return of(Arrays.stream(values).map(seconds -> amount / seconds).toArray());
  }

  /** Each repetition times a number. */
  Samples times(double factor) {
    return of(Arrays.stream(values).map(value -> factor * value).toArray());
  }

  /**
   * Each repetition over the other measurement's of the same round: what slowed a round down slowed
   * both.
   */
  Samples over(Samples other) {
    double[] ratios = new double[values.length];
    Arrays.setAll(ratios, i -> values[i] / other.values[i]);
    return of(ratios);
  }

  public double median() {
    return quantile(0.5);
  }

  /** Interquartile range over the median. */
  public double spread() {
    return (quantile(0.75) - quantile(0.25)) / median();
  }

  /** Interpolated between repetitions. */
  public double quantile(double q) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double at = q * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
