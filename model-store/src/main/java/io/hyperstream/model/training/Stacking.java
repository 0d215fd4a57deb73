package io.hyperstream.model.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * How much to believe each of several scorers: weights that make the softmax of their weighted sum
 * likeliest on examples none of them was fitted on. A prior holds them to given weights when there
 * are few.
 */
final class Stacking {
  /** The prior, in examples: weight 1 for each scorer. */
  private static final double PRIOR = 1;

  private static final int STEPS = 300;
  private static final double RATE = 0.05;

  private Stacking() {}

  /**
   * Fits the weights.
   *
   * @param logits [scorers][rows][labels]
   * @param y [rows]
   * @param about [scorers] weights that a prior of one example holds them to
   * @return [scorers], each to be multiplied with that scorer's raw logits
   */
  static double[] fit(double[][][] logits, int[] y, double[] about) {
    int scorers = logits.length;
    double[] weight = new double[scorers]; // logarithms: weights stay positive
    double[] first = new double[scorers];
    double[] second = new double[scorers];
    for (int step = 1; step <= STEPS; step++) {
      double[] slope = slope(logits, y, about, weight);
      for (int e = 0; e < scorers; e++) {
        first[e] = 0.9 * first[e] + 0.1 * slope[e];
        second[e] = 0.999 * second[e] + 0.001 * slope[e] * slope[e];
        double correction = Math.sqrt(1 - Math.pow(0.999, step)) / (1 - Math.pow(0.9, step));
        weight[e] -= RATE * correction * first[e] / (Math.sqrt(second[e]) + 1e-9);
      }
    }
    double[] out = new double[scorers];
    for (int e = 0; e < scorers; e++) {
      out[e] = Math.exp(weight[e]) * about[e];
    }
    return out;
  }

  /** The weights without any example left out to fit them on: all scorers alike. */
  static double[] prior(double[][][] logits) {
    double[] weights = new double[logits.length];
    for (int e = 0; e < weights.length; e++) {
      double spread = spread(logits[e]);
      weights[e] = spread < 1e-6 ? 1 : 1 / spread; // says nothing: no matter what it counts
    }
    return weights;
  }

  /**
   * Probabilities of each row by weights fitted on the rows of other folds.
   *
   * @param about the weights that a prior holds them to, of the rows they are fitted on
   * @return [rows][labels]
   */
  static double[][] crossFit(
      double[][][] logits, int[] y, int[] fold, Function<double[][][], double[]> about) {
    double[][] out = new double[y.length][];
    for (int k = 0; k <= Arrays.stream(fold).max().orElse(0); k++) {
      int now = k;
      int[] others = IntStream.range(0, y.length).filter(i -> fold[i] != now).toArray();
      double[][][] learn = rows(logits, others);
      int[] answers = IntStream.of(others).map(i -> y[i]).toArray();
      double[] weights = fit(learn, answers, about.apply(learn));
      for (int i = 0; i < y.length; i++) {
        if (fold[i] == k) {
          out[i] = softmax(mixed(logits, i, weights));
        }
      }
    }
    return out;
  }

  /**
   * Probabilities at the temperature that suits the rows of other folds: what a scorer knows, apart
   * from how confident it is.
   *
   * @param probabilities [rows][labels]
   */
  static double[][] tempered(double[][] probabilities, int[] y, int[] fold) {
    double[][] logits =
        Arrays.stream(probabilities)
            .map(row -> Arrays.stream(row).map(p -> Math.log(Math.max(1e-12, p))).toArray())
            .toArray(double[][]::new);
    return crossFit(new double[][][] {logits}, y, fold, learn -> new double[] {1});
  }

  /** Some rows of [scorers][rows][labels]. */
  static double[][][] rows(double[][][] logits, int[] rows) {
    return Arrays.stream(logits)
        .map(of -> IntStream.of(rows).mapToObj(i -> of[i]).toArray(double[][]::new))
        .toArray(double[][][]::new);
  }

  private static double[] mixed(double[][][] logits, int row, double[] weights) {
    double[] sum = new double[logits[0][row].length];
    for (int e = 0; e < logits.length; e++) {
      for (int l = 0; l < sum.length; l++) {
        sum[l] += weights[e] * logits[e][row][l];
      }
    }
    return sum;
  }

  private static double[] slope(double[][][] logits, int[] y, double[] spread, double[] weight) {
    int scorers = logits.length;
    double[] slope = new double[scorers];
    for (int i = 0; i < y.length; i++) {
      double[] sum = new double[logits[0][i].length];
      for (int e = 0; e < scorers; e++) {
        double by = Math.exp(weight[e]) * spread[e];
        for (int l = 0; l < sum.length; l++) {
          sum[l] += by * logits[e][i][l];
        }
      }
      double[] p = softmax(sum);
      for (int e = 0; e < scorers; e++) {
        double expected = -logits[e][i][y[i]];
        for (int l = 0; l < p.length; l++) {
          expected += p[l] * logits[e][i][l];
        }
        slope[e] += expected * spread[e] * Math.exp(weight[e]);
      }
    }
    for (int e = 0; e < scorers; e++) {
      slope[e] += PRIOR * weight[e];
    }
    return slope;
  }

  /** Root mean square of the logits about each row's mean. */
  private static double spread(double[][] logits) {
    double squares = 0;
    int count = 0;
    for (double[] row : logits) {
      double mean = Arrays.stream(row).average().orElse(0);
      for (double value : row) {
        squares += (value - mean) * (value - mean);
        count++;
      }
    }
    return Math.sqrt(squares / Math.max(1, count));
  }

  static double[] softmax(double[] logits) {
    double top = Arrays.stream(logits).max().orElse(0);
    double[] p = new double[logits.length];
    double sum = 0;
    for (int l = 0; l < p.length; l++) {
      p[l] = Math.exp(logits[l] - top);
      sum += p[l];
    }
    for (int l = 0; l < p.length; l++) {
      p[l] /= sum;
    }
    return p;
  }

  static double[] scaled(double[] logits, double by) {
    return Arrays.stream(logits).map(logit -> by * logit).toArray();
  }

  /** Mean log-loss of weighted scorers. */
  static double logLoss(double[][][] logits, int[] y, double[] weights) {
    double loss = 0;
    for (int i = 0; i < y.length; i++) {
      loss -= Math.log(Math.max(1e-12, softmax(mixed(logits, i, weights))[y[i]]));
    }
    return loss / y.length;
  }

  /**
   * Deals rows to folds, each label's rows evenly.
   *
   * @return [rows] the fold of each
   */
  static int[] folds(int[] y, int folds, long seed) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < y.length; i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(seed));
    order.sort((a, b) -> Integer.compare(y[a], y[b])); // stable: shuffled within a label
    int[] out = new int[y.length];
    for (int i = 0; i < out.length; i++) {
      out[order.get(i)] = i % folds;
    }
    return out;
  }
}
