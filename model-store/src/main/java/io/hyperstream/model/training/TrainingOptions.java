package io.hyperstream.model.training;

/**
 * How to train.
 *
 * @param trainable which weights
 * @param optimiser AdamW's settings
 * @param schedule the learning rate of each step
 * @param steps how many optimiser steps
 * @param batchSize rows of one forward pass
 * @param accumulation forward passes per step, gradients added up
 * @param temperature of the task sampler
 * @param mixed rows of many tasks in a batch; otherwise one task per batch, as the paper
 * @param smoothing of the labels
 * @param dropout rate
 * @param evaluateEvery steps between evaluations, checkpoints and log lines
 * @param patience evaluations without a better average after which training stops; 0 for never
 * @param seed of everything random
 */
public record TrainingOptions(
    Trainable trainable,
    AdamW.Config optimiser,
    Schedule schedule,
    int steps,
    int batchSize,
    int accumulation,
    double temperature,
    boolean mixed,
    double smoothing,
    double dropout,
    int evaluateEvery,
    int patience,
    long seed) {

  public TrainingOptions {
    requirePositive("steps", steps);
    requirePositive("batchSize", batchSize);
    requirePositive("accumulation", accumulation);
    requirePositive("evaluateEvery", evaluateEvery);
    if (!(smoothing >= 0 && smoothing < 1) || !(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException(
          "label smoothing and dropout must be 0 to below 1; got " + smoothing + " and " + dropout);
    }
    if (!(temperature > 0) || patience < 0) {
      throw new IllegalArgumentException(
          "the temperature must be positive and patience not negative; got "
              + temperature
              + " and "
              + patience);
    }
  }

  /** The paper's settings for its adapters, of so many steps: rate 3e-4, batch 32, T = 10. */
  public static TrainingOptions paper(int steps) {
    int warmUp = Math.min(500, Math.max(1, steps / 10));
    return new TrainingOptions(
        Trainable.ADAPTERS,
        AdamW.Config.paper(),
        Schedule.linear(3e-4, warmUp, steps),
        steps,
        32,
        1,
        10,
        false,
        0.1,
        0.1,
        1000,
        0,
        0);
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1; it is " + value);
    }
  }
}
