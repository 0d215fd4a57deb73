package io.hyperstream.model.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.evaluation.ParityReport.Check;
import io.hyperstream.model.training.TemperatureSampler;
import java.util.ArrayList;
import java.util.List;

/** The multi-task sampler's probabilities and epoch lengths against the reference's. */
final class SamplerParity {
  private static final double TOLERANCE = 1e-9;

  private SamplerParity() {}

  /**
   * @param sampler {@code {sizes, cases:[{temperature, batch_size, batches_per_epoch,
   *     probabilities}]}}; nothing is checked if it is absent
   */
  static List<Check> check(JsonNode sampler) {
    List<Check> checks = new ArrayList<>();
    int[] sizes = new int[sampler.path("sizes").size()];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = sampler.path("sizes").path(i).asInt();
    }
    for (JsonNode one : sampler.path("cases")) {
      double temperature = one.path("temperature").asDouble();
      int batch = one.path("batch_size").asInt();
      double[] ours = TemperatureSampler.probabilities(sizes, temperature);
      JsonNode reference = one.path("probabilities");
      double worst = reference.size() == ours.length ? 0 : Double.POSITIVE_INFINITY;
      for (int i = 0; i < Math.min(ours.length, reference.size()); i++) {
        worst = Math.max(worst, Math.abs(ours[i] - reference.path(i).asDouble()));
      }
      String name = "sampler.temperature" + one.path("temperature").asText();
      checks.add(new Check(name + ".probabilities", worst, worst <= TOLERANCE));
      double epoch =
          Math.abs(
              TemperatureSampler.batchesPerEpoch(sizes, batch)
                  - one.path("batches_per_epoch").asDouble(Double.NaN));
      checks.add(new Check(name + ".batches_per_epoch", epoch, epoch == 0));
    }
    return checks;
  }
}
