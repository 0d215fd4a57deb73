package io.hyperstream.app.cli;

import io.hyperstream.model.family.Objective;
import io.hyperstream.model.training.AdamW;
import io.hyperstream.model.training.MultiTaskTrainer;
import io.hyperstream.model.training.Schedule;
import io.hyperstream.model.training.TaskData;
import io.hyperstream.model.training.Trainable;
import io.hyperstream.model.training.TrainingOptions;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/**
 * How {@code train} trains, unless told otherwise: a T5 by the paper's settings; an encoder by
 * those that left its vectors meaning something.
 */
final class TrainSettings {
  /** What is set for a T5 and for an encoder. */
  private record Defaults(
      int batchSize,
      int batchTokens,
      double temperature,
      double rate,
      int warmUp,
      double smoothing,
      double dropout,
      double adapterScale) {
    static Defaults of(Objective objective) {
      return switch (objective) {
        case TARGET_TOKENS -> new Defaults(32, 0, 10, 3e-4, 500, 0.1, 0.1, 1);
        case LABEL_VECTORS -> new Defaults(96, 1600, 2, 4e-4, 100, 0.05, 0, 0.5);
      };
    }
  }

  private static final int EVALUATE_EVERY = 1000;
  private static final double EPOCHS = 3;
  private static final int LEAST_STEPS = 1000;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Optimiser steps. Default: by --epochs.")
  private Integer steps;

  @Option(
      names = "--epochs",
      paramLabel = "X",
      description =
          "Steps for this many passes over all rows. Default: 3, at least 1000 steps. (The paper: --steps"
              + " 65536.)")
  private Double epochs;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      description = "Most rows of a batch. Default: 32; for an encoder 96.")
  private Integer batchSize;

  @Option(
      names = "--batch-tokens",
      paramLabel = "N",
      description =
          "Most source tokens of a batch, padding included. Default: no such limit; for an encoder"
              + " 1600.")
  private Integer batchTokens;

  @Option(
      names = "--accumulation",
      paramLabel = "N",
      defaultValue = "1",
      description = "Batches per step, their gradients added up. Default: ${DEFAULT-VALUE}.")
  private int accumulation;

  @Option(
      names = "--mixed",
      description =
          "Batches of rows of many tasks; not for an encoder. Default: one task per batch.")
  private boolean mixed;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description =
          "Tasks are drawn by size^(1/T): 1 for proportional, larger for more even. Default: 10;"
              + " for an encoder 2.")
  private Double temperature;

  @Option(
      names = {"--learning-rate", "--lr"},
      paramLabel = "R",
      description = "After the warm-up. Default: 3e-4; for an encoder 4e-4.")
  private Double rate;

  @Option(
      names = "--schedule",
      defaultValue = "linear",
      description =
          "${COMPLETION-CANDIDATES}; LINEAR falls to 0 at the last step. Default: LINEAR.")
  private Schedule.Kind schedule;

  @Option(
      names = "--warmup-steps",
      paramLabel = "N",
      description =
          "Steps in which the rate rises from 0. Default: 500, for an encoder 100; at most a tenth"
              + " of all.")
  private Integer warmUp;

  @Option(
      names = "--clip",
      paramLabel = "X",
      defaultValue = "1",
      description = "Largest norm of all gradients; 0 for no clipping. Default: ${DEFAULT-VALUE}.")
  private double clip;

  @Option(
      names = "--weight-decay",
      paramLabel = "X",
      defaultValue = "0",
      description = "Decoupled, per unit of the rate. Default: ${DEFAULT-VALUE}.")
  private double decay;

  @Option(
      names = "--label-smoothing",
      paramLabel = "X",
      description = "Default: 0.1; for an encoder 0.05.")
  private Double smoothing;

  @Option(names = "--dropout", paramLabel = "X", description = "Default: 0.1; for an encoder 0.")
  private Double dropout;

  @Option(
      names = "--adapter-scale",
      paramLabel = "X",
      description =
          "What the trained adapters' outputs are multiplied with in the end: below 1 tasks that"
              + " were trained lose a little, and tasks nobody has seen gain. Default: 1; for a"
              + " hypernetwork of an encoder 0.5.")
  private Double adapterScale;

  @Option(
      names = "--eval-every",
      paramLabel = "N",
      description =
          "Steps between evaluations, which also save. Default: 1000, at least ten times in all.")
  private Integer evaluateEvery;

  @Option(
      names = "--save-every",
      paramLabel = "N",
      defaultValue = "0",
      description = "Steps between further saved states, for --resume. Default: none.")
  private int saveEvery;

  @Option(
      names = "--patience",
      paramLabel = "N",
      defaultValue = "0",
      description = "Stop after N evaluations without a better average. Default: never.")
  private int patience;

  @Option(
      names = "--max-source-tokens",
      paramLabel = "N",
      defaultValue = "128",
      description = "Longer inputs are cut. Default: ${DEFAULT-VALUE}.")
  int maxSourceTokens;

  @Option(
      names = "--max-eval-rows",
      paramLabel = "N",
      defaultValue = "1000",
      description = "Of each validation and test file, the first. Default: ${DEFAULT-VALUE}.")
  int maxEvaluationRows;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Of everything random: on a CPU, with as many threads, it gives the same weights."
              + " Default: ${DEFAULT-VALUE}.")
  long seed;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads of one operation. Default: one per core.")
  int threads;

  /** Refuses what cannot be done with a backbone. */
  void check(Objective objective) {
    if (mixed && objective == Objective.LABEL_VECTORS) {
      throw CommandFailure.usage(
          "--mixed: an encoder learns one task per batch, because labels of one task are compared");
    }
  }

  /**
   * For some tasks.
   *
   * @param shared whether tasks that are not trained will use the adapters too
   */
  TrainingOptions options(
      Trainable trainable, List<TaskData> tasks, Objective objective, boolean shared) {
    if (steps != null && epochs != null) {
      throw CommandFailure.usage("give --steps or --epochs, not both");
    }
    Defaults defaults = Defaults.of(objective);
    int rows = batchSize != null ? batchSize : defaults.batchSize();
    int tokens = batchTokens != null ? batchTokens : defaults.batchTokens();
    int all =
        steps != null
            ? steps
            : epochs != null
                ? steps(tasks, epochs, rows, tokens)
                : Math.max(LEAST_STEPS, steps(tasks, EPOCHS, rows, tokens));
    int rising = warmUp != null ? warmUp : Math.min(defaults.warmUp(), all / 10);
    int evaluating =
        evaluateEvery != null ? evaluateEvery : Math.max(1, Math.min(EVALUATE_EVERY, all / 10));
    double highest = rate != null ? rate : defaults.rate();
    try {
      return new TrainingOptions(
          trainable,
          AdamW.Config.paper().withDecay(decay).withMaxNorm(clip),
          new Schedule(schedule, highest, rising, all),
          all,
          rows,
          tokens,
          accumulation,
          temperature != null ? temperature : defaults.temperature(),
          mixed,
          smoothing != null ? smoothing : defaults.smoothing(),
          dropout != null ? dropout : defaults.dropout(),
          evaluating,
          saveEvery,
          patience,
          seed,
          adapterScale != null ? adapterScale : shared ? defaults.adapterScale() : 1);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
  }

  private int steps(List<TaskData> tasks, double times, int rows, int tokens) {
    if (!(times > 0 && times <= 1e6)) {
      throw CommandFailure.usage(
          String.format(
              Locale.ROOT, "--epochs must be positive, at most a million; got %s", times));
    }
    int each =
        MultiTaskTrainer.stepsPerEpoch(
            tasks, Math.max(1, rows), Math.max(0, tokens), Math.max(1, accumulation), seed);
    return Math.max(1, Math.toIntExact(Math.round(times * each)));
  }
}
