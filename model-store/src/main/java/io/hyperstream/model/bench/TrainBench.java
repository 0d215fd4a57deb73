package io.hyperstream.model.bench;

import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.training.Preset;
import io.hyperstream.model.training.TrainingProbe;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a step of training costs beside a forward pass of the same batch. */
public final class TrainBench {
  /**
   * What to run.
   *
   * @param rows texts in a batch
   * @param sourceLength tokens of each, no padding
   * @param targetLength tokens of each label
   * @param rounds repetitions
   */
  public record Options(
      ModelShape shape, Preset preset, int rows, int sourceLength, int targetLength, int rounds) {
    public Options {
      require("batch", rows);
      require("seq", sourceLength);
      require("target length", targetLength);
      require("rounds", rounds);
    }

    private static void require(String what, int value) {
      if (value < 1 || value > 4096) {
        throw new IllegalArgumentException(what + " must be 1 to 4096; it is " + value);
      }
    }
  }

  private TrainBench() {}

  /** Measures. */
  public static List<BenchRow> run(Options options) {
    try (TrainingProbe probe =
        new TrainingProbe(
            options.shape().t5(),
            options.preset(),
            options.rows(),
            options.sourceLength(),
            options.targetLength())) {
      List<Samples> seconds =
          Samples.inTurn(1, options.rounds(), List.of(probe::forward, probe::step));
      Map<String, Object> config = new LinkedHashMap<>();
      config.put("model", options.shape().label());
      config.put("preset", options.preset().label());
      config.put("batch", options.rows());
      config.put("seq", options.sourceLength());
      config.put("targetLength", options.targetLength());
      config.put("trained", probe.trainedValues());
      config.put("threads", Ops.threads());
      Samples forward = seconds.get(0).rate(probe.tokens());
      Samples step = seconds.get(1).rate(probe.tokens());
      return List.of(
          BenchRow.of("train.forward", config, forward, "tokens/s"),
          BenchRow.of("train.step", config, step, "tokens/s")
              .comparedTo("train.forward", step.over(forward)));
    }
  }
}
