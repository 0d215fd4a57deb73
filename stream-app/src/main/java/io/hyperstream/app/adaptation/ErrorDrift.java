package io.hyperstream.app.adaptation;

import java.util.Optional;

/**
 * Finds that a task's answers have become wrong more often. The latest outcomes are cut in two at a
 * few places; if one rate of errors for both parts is far less likely than a higher one in the
 * later part, there is drift (a generalized likelihood ratio test of Bernoulli trials; the windows
 * are those of ADWIN, Bifet and Gavaldà 2007, in powers of two).
 *
 * <p>Of {@value #WINDOW} outcomes at a constant rate of errors, less than one in 10,000 is answered
 * with drift. A task that was right in 90 % and is now in 50 % needs about 30 labels. Stateless.
 */
final class ErrorDrift {
  /** So many outcomes are looked at, at most. */
  static final int WINDOW = 512;

  private static final int SHORTEST_CUT = 8;
  private static final int LONGEST_CUT = WINDOW / 2;

  /** Before the cut there are at least so many. */
  private static final int LEAST_BEFORE = 30;

  /**
   * Of the log-likelihood ratio: ln(cuts / p) for p = 1e-4, and one more because the rates that it
   * is computed with are estimates.
   */
  private static final double THRESHOLD = Math.log(6 / 1e-4) + 1;

  private ErrorDrift() {}

  /**
   * @param before accuracy before the change, 0 to 1
   * @param after accuracy since then
   * @param since how many of the latest outcomes that are
   */
  record Found(double before, double after, int since) {}

  /**
   * Looks for drift; call it after every outcome.
   *
   * @param right [n] outcomes in their order, 1 for right and 0 for wrong; the last {@link #WINDOW}
   *     count
   * @return the shortest cut that shows it; empty where nothing does
   */
  static Optional<Found> find(byte[] right) {
    int n = Math.min(WINDOW, right.length);
    int first = right.length - n;
    int wrong = 0;
    for (int i = first; i < right.length; i++) {
      wrong += 1 - right[i];
    }
    int wrongAfter = 0;
    int counted = 0;
    for (int cut = SHORTEST_CUT; cut <= LONGEST_CUT; cut *= 2) {
      int rest = n - cut;
      if (rest < Math.max(cut, LEAST_BEFORE)) {
        break;
      }
      for (; counted < cut; counted++) {
        wrongAfter += 1 - right[right.length - 1 - counted];
      }
      double before = (wrong - wrongAfter) / (double) rest;
      double after = wrongAfter / (double) cut;
      double all = wrong / (double) n;
      if (after > before
          && cut * divergence(after, all) + rest * divergence(before, all) > THRESHOLD) {
        return Optional.of(new Found(1 - before, 1 - after, cut));
      }
    }
    return Optional.empty();
  }

  /** Kullback-Leibler divergence of two Bernoulli distributions. */
  private static double divergence(double p, double q) {
    return term(p, q) + term(1 - p, 1 - q);
  }

  private static double term(double p, double q) {
    return p == 0 ? 0 : p * Math.log(p / q);
  }
}
