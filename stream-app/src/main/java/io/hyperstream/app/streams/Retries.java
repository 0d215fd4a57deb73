package io.hyperstream.app.streams;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** Counts what is tried again, in one metric with a tag for each loop that does so. */
public final class Retries {
  private Retries() {}

  /**
   * @param of what is tried again, in a word or two
   */
  public static Counter counter(MeterRegistry meters, String of) {
    return Counter.builder("hyperstream.retries")
        .description("Attempts that failed and are made again")
        .tag("of", of)
        .register(meters);
  }
}
