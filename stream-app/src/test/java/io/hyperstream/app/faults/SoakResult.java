package io.hyperstream.app.faults;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * Whether a process uses no more at the end than at the beginning: medians of the second and of the
 * last quarter of the samples are compared. The first quarter is when it warms up.
 *
 * @param measures each with what it was, what it became, and what is allowed
 */
record SoakResult(List<Measure> measures) {
  private static final int LEAST_SAMPLES = 20;

  /** One measure's medians. */
  record Measure(String name, double early, double late, double most) {
    boolean grows() {
      return late > most;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "%s: %.1f, at the end %.1f, at most %.1f", name, early, late, most);
    }
  }

  static SoakResult of(List<SoakSample> samples) {
    if (samples.size() < LEAST_SAMPLES) {
      throw new IllegalArgumentException(
          "a soak test takes " + LEAST_SAMPLES + " samples or more; got " + samples.size());
    }
    List<Measure> measures = new ArrayList<>();
    // Allocators keep some; a leak of a hundred bytes per request is 48 MiB in half a million.
    measures.add(measure("MiB resident", samples, SoakSample::residentMiB, 1, 48));
    measures.add(measure("file handles", samples, SoakSample::handles, 1, 12));
    measures.add(measure("threads", samples, SoakSample::threads, 1, 4));
    // Load keeps a fixed number of requests ahead; how many are in flight fluctuates.
    measures.add(measure("consumer lag", samples, SoakSample::lag, 1.5, 1_000));
    return new SoakResult(measures);
  }

  private static Measure measure(
      String name,
      List<SoakSample> samples,
      ToDoubleFunction<SoakSample> value,
      double factor,
      double more) {
    int quarter = samples.size() / 4;
    double early = median(samples.subList(quarter, 2 * quarter), value);
    double late = median(samples.subList(3 * quarter, samples.size()), value);
    return new Measure(name, early, late, factor * early + more);
  }

  private static double median(List<SoakSample> samples, ToDoubleFunction<SoakSample> value) {
    double[] sorted = samples.stream().mapToDouble(value).sorted().toArray();
    return sorted[sorted.length / 2];
  }

  /** What grows. */
  List<Measure> growing() {
    return measures.stream().filter(Measure::grows).toList();
  }
}
