package io.hyperstream.model.training;

/**
 * The learning rate of each step: linear from 0 over the warm-up, then constant, or linear to 0 at
 * the last step (the paper's).
 *
 * @param kind what happens after the warm-up
 * @param rate the highest rate
 * @param warmUpSteps steps until it is reached
 * @param totalSteps when a linear schedule ends
 */
public record Schedule(Kind kind, double rate, int warmUpSteps, int totalSteps) {

  /** What happens after the warm-up. */
  public enum Kind {
    CONSTANT,
    LINEAR
  }

  public Schedule {
    if (!(rate >= 0 && rate < 100)) {
      throw new IllegalArgumentException("the learning rate must be 0 to 100; it is " + rate);
    }
    if (warmUpSteps < 0) {
      throw new IllegalArgumentException("warm-up steps must not be negative; got " + warmUpSteps);
    }
    if (kind == Kind.LINEAR && totalSteps < Math.max(1, warmUpSteps)) {
      throw new IllegalArgumentException(
          "a linear schedule must be at least as long as its warm-up of "
              + warmUpSteps
              + " steps; it has "
              + totalSteps);
    }
  }

  public static Schedule constant(double rate) {
    return new Schedule(Kind.CONSTANT, rate, 0, 0);
  }

  public static Schedule linear(double rate, int warmUpSteps, int totalSteps) {
    return new Schedule(Kind.LINEAR, rate, warmUpSteps, totalSteps);
  }

  /** The rate of a step, counted from 0: with a warm-up the first step has rate 0. */
  public double at(int step) {
    if (step < warmUpSteps) {
      return rate * step / warmUpSteps;
    }
    if (kind == Kind.CONSTANT) {
      return rate;
    }
    int left = Math.max(0, totalSteps - step);
    return rate * left / Math.max(1, totalSteps - warmUpSteps);
  }
}
