package io.hyperstream.model.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * How much to believe each of several scorers: weights that make the softmax of their weighted sum
 * likeliest on examples none of them was fitted on. Each scorer's logits are first brought to the
 * same spread; a prior of a few examples holds the weights together when there are few.
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
   * @return [scorers], each to be multiplied with that scorer's raw logits
   */
  static double[] fit(double[][][] logits, int[] y) {
    int scorers = logits.length;
    double[] spread = prior(logits);
    double[] weight = new double[scorers]; // logarithms: weights stay positive
    double[] first = new double[scorers];
    double[] second = new double[scorers];
    for (int step = 1; step <= STEPS; step++) {
      double[] slope = slope(logits, y, spread, weight);
      for (int e = 0; e < scorers; e++) {
        first[e] = 0.9 * first[e] + 0.1 * slope[e];
        second[e] = 0.999 * second[e] + 0.001 * slope[e] * slope[e];
        double correction = Math.sqrt(1 - Math.pow(0.999, step)) / (1 - Math.pow(0.9, step));
        weight[e] -= RATE * correction * first[e] / (Math.sqrt(second[e]) + 1e-9);
      }
    }
    double[] out = new double[scorers];
    for (int e = 0; e < scorers; e++) {
      out[e] = Math.exp(weight[e]) * spread[e];
    }
    return out;
  }

  /** The weights without any example left out to fit them on: all scorers alike. */
  static double[] prior(double[][][] logits) {
    double[] weights = new double[logits.length];
    for (int e = 0; e < weights.length; e++) {
      weights[e] = 1 / Math.max(1e-6, spread(logits[e]));
    }
    return weights;
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

  /** Mean log-loss of weighted scorers. */
  static double logLoss(double[][][] logits, int[] y, double[] weights) {
    double loss = 0;
    for (int i = 0; i < y.length; i++) {
      double[] sum = new double[logits[0][i].length];
      for (int e = 0; e < logits.length; e++) {
        for (int l = 0; l < sum.length; l++) {
          sum[l] += weights[e] * logits[e][i][l];
        }
      }
      loss -= Math.log(Math.max(1e-12, softmax(sum)[y[i]]));
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
