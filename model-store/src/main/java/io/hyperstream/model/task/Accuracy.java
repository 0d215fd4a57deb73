package io.hyperstream.model.task;

import java.util.Locale;

/**
 * How often a task was answered right, and how sure that is.
 *
 * @param right answers
 * @param of so many
 */
public record Accuracy(long right, long of) {
  private static final double Z = 1.959964; // 95 %

  public Accuracy {
    if (right < 0 || right > of) {
      throw new IllegalArgumentException("right answers are 0 to " + of + "; got " + right);
    }
  }

  /** 0 to 1; NaN of none. */
  public double share() {
    return (double) right / of;
  }

  /** Below which the true share lies with 2.5 % at most (Wilson 1927); NaN of none. */
  public double low() {
    return right == 0 ? 0 * share() : centre() - reach();
  }

  /** Above which the true share lies with 2.5 % at most; NaN of none. */
  public double high() {
    return right == of ? share() : centre() + reach();
  }

  private double centre() {
    return (share() + Z * Z / (2 * of)) / (1 + Z * Z / of);
  }

  private double reach() {
    double p = share();
    return Z * Math.sqrt(p * (1 - p) / of + Z * Z / (4.0 * of * of)) / (1 + Z * Z / of);
  }

  /** "9 of 12 labels right, 75.0% (46.8% to 91.1%)". */
  @Override
  public String toString() {
    return of == 0
        ? "no label yet"
        : String.format(
            Locale.ROOT,
            "%d of %d %s right, %.1f%% (%.1f%% to %.1f%%)",
            right,
            of,
            of == 1 ? "label" : "labels",
            100 * share(),
            100 * low(),
            100 * high());
  }
}
