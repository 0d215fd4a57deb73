package io.hyperstream.app.faults;

import io.hyperstream.model.store.ShippedModel;
import java.util.Map;

/**
 * What a run is made of, from system properties, so that {@code infra/faults} can repeat it.
 *
 * @param requests {@code hyperstream.faults.requests}: sent at least
 * @param kills {@code hyperstream.faults.kills}: per run
 * @param runs {@code hyperstream.faults.runs}: in a row, each with the next seed
 * @param seed {@code hyperstream.faults.seed}: of the first run
 * @param protocol {@code hyperstream.faults.protocol}: auto, streams or classic
 * @param model {@code hyperstream.faults.model}: one that comes with the application
 */
record FaultSettings(int requests, int kills, int runs, long seed, String protocol, String model) {

  static FaultSettings fromSystemProperties() {
    return new FaultSettings(
        number("requests", 1_500),
        number("kills", 3),
        number("runs", 1),
        number("seed", 1),
        System.getProperty("hyperstream.faults.protocol", "classic"),
        System.getProperty("hyperstream.faults.model", ShippedModel.DEFAULT));
  }

  private static int number(String name, int otherwise) {
    int value = Integer.getInteger("hyperstream.faults." + name, otherwise);
    if (value < 1) {
      throw new IllegalArgumentException(
          "hyperstream.faults." + name + " is 1 or more; got " + value);
    }
    return value;
  }

  Map<String, String> application() {
    return Map.of("streams.group-protocol", protocol, "model.name", model);
  }
}
