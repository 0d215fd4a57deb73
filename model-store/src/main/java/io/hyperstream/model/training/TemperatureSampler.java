package io.hyperstream.model.training;

import java.util.Arrays;

/**
 * Which task the next batch is of: task i with probability proportional to {@code (n_i / N)^(1/T)}
 * (section 4 of the paper, T = 10), drawn so that only a seed and a position need remembering.
 */
public final class TemperatureSampler {
  private final double[] cumulative;
  private final long seed;

  TemperatureSampler(int[] sizes, double temperature, long seed) {
    cumulative = probabilities(sizes, temperature);
    for (int i = 1; i < cumulative.length; i++) {
      cumulative[i] += cumulative[i - 1];
    }
    this.seed = seed;
  }

  /**
   * Probabilities of tasks of the given sizes.
   *
   * @param temperature 1 for proportional to size; the larger, the more even
   */
  public static double[] probabilities(int[] sizes, double temperature) {
    if (!(temperature > 0)) {
      throw new IllegalArgumentException("the temperature must be positive; got " + temperature);
    }
    double total = Arrays.stream(sizes).asDoubleStream().sum();
    double[] weights = new double[sizes.length];
    for (int i = 0; i < weights.length; i++) {
      if (sizes[i] < 1) {
        throw new IllegalArgumentException("task " + i + " has no training examples");
      }
      weights[i] = Math.pow(sizes[i] / total, 1 / temperature);
    }
    double sum = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(w -> w / sum).toArray();
  }

  /** All examples over the batch size, rounded up. */
  public static long batchesPerEpoch(int[] sizes, int batchSize) {
    long total = Arrays.stream(sizes).asLongStream().sum();
    return (total + batchSize - 1) / batchSize;
  }

  /**
   * The task of a batch, by its number from 0; the same for the same seed, in any order of asking.
   */
  int task(long batch) {
    double u = (Seeds.mix(seed, batch) >>> 11) * 0x1.0p-53;
    for (int i = 0; i < cumulative.length - 1; i++) {
      if (u < cumulative[i]) {
        return i;
      }
    }
    return cumulative.length - 1;
  }
}
