package io.hyperstream.model.training;

/**
 * How to train.
 *
 * @param trainable which weights
 * @param optimiser AdamW's settings
 * @param schedule the learning rate of each step
 * @param steps how many optimiser steps
 * @param batchSize most rows of one forward pass
 * @param batchTokens most source tokens of one forward pass, padding included; 0 for no such limit
 * @param accumulation forward passes per step, gradients added up
 * @param temperature of the task sampler
 * @param mixed rows of many tasks in a batch; otherwise one task per batch, as the paper
 * @param smoothing of the labels
 * @param dropout rate
 * @param evaluateEvery steps between evaluations and log lines
 * @param saveEvery steps between saved states, beside those at evaluations; 0 for only these
 * @param patience evaluations without a better average after which training stops; 0 for never
 * @param seed of everything random
 * @param adapterScale what the outputs of the exported adapters are multiplied with, above 0, at
 *     most 1
 */
public record TrainingOptions(
    Trainable trainable,
    AdamW.Config optimiser,
    Schedule schedule,
    int steps,
    int batchSize,
    int batchTokens,
    int accumulation,
    double temperature,
    boolean mixed,
    double smoothing,
    double dropout,
    int evaluateEvery,
    int saveEvery,
    int patience,
    long seed,
    double adapterScale) {

  public TrainingOptions {
    requirePositive("steps", steps);
    requirePositive("batchSize", batchSize);
    requirePositive("accumulation", accumulation);
    requirePositive("evaluateEvery", evaluateEvery);
    if (!(smoothing >= 0 && smoothing < 1) || !(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException(
          "label smoothing and dropout must be 0 to below 1; got " + smoothing + " and " + dropout);
    }
    requireNotNegative("batchTokens", batchTokens);
    requireNotNegative("saveEvery", saveEvery);
    requireNotNegative("patience", patience);
    if (!(adapterScale > 0 && adapterScale <= 1)) {
      throw new IllegalArgumentException(
          "the adapters' scale must be above 0, at most 1; it is " + adapterScale);
    }
    if (!(temperature > 0)) {
      throw new IllegalArgumentException("the temperature must be positive; it is " + temperature);
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
        0,
        1,
        10,
        false,
        0.1,
        0.1,
        1000,
        0,
        0,
        0,
        1);
  }

  private static void requireNotNegative(String name, int value) {
    if (value < 0) {
      throw new IllegalArgumentException(name + " must not be negative; it is " + value);
    }
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1; it is " + value);
    }
  }
}
