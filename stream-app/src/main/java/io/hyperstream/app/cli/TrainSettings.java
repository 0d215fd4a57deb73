package io.hyperstream.app.cli;

import io.hyperstream.model.training.AdamW;
import io.hyperstream.model.training.MultiTaskTrainer;
import io.hyperstream.model.training.Schedule;
import io.hyperstream.model.training.TaskData;
import io.hyperstream.model.training.Trainable;
import io.hyperstream.model.training.TrainingOptions;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** How {@code train} trains: the paper's settings unless told otherwise. */
final class TrainSettings {
  private static final int WARM_UP = 500;
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
          "Steps for so many times all rows. Default: 3, at least 1000 steps. (The paper: --steps"
              + " 65536.)")
  private Double epochs;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "32",
      description = "Most rows of a batch. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(
      names = "--batch-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description = "Most source tokens of a batch, padding included. Default: no such limit.")
  private int batchTokens;

  @Option(
      names = "--accumulation",
      paramLabel = "N",
      defaultValue = "1",
      description = "Batches per step, their gradients added up. Default: ${DEFAULT-VALUE}.")
  private int accumulation;

  @Option(
      names = "--mixed",
      description = "Batches of rows of many tasks. Default: one task per batch, as the paper.")
  private boolean mixed;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "10",
      description =
          "Tasks are drawn by size^(1/T): 1 for proportional, larger for more even. Default:"
              + " ${DEFAULT-VALUE}.")
  private double temperature;

  @Option(
      names = {"--learning-rate", "--lr"},
      paramLabel = "R",
      defaultValue = "3e-4",
      description = "After the warm-up. Default: ${DEFAULT-VALUE}.")
  private double rate;

  @Option(
      names = "--schedule",
      defaultValue = "linear",
      description =
          "${COMPLETION-CANDIDATES}; LINEAR falls to 0 at the last step. Default: LINEAR.")
  private Schedule.Kind schedule;

  @Option(
      names = "--warmup-steps",
      paramLabel = "N",
      description = "Steps in which the rate rises from 0. Default: 500, at most a tenth of all.")
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
      defaultValue = "0.1",
      description = "Default: ${DEFAULT-VALUE}.")
  private double smoothing;

  @Option(
      names = "--dropout",
      paramLabel = "X",
      defaultValue = "0.1",
      description = "Default: ${DEFAULT-VALUE}.")
  private double dropout;

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

  /** For some tasks. */
  TrainingOptions options(Trainable trainable, List<TaskData> tasks) {
    if (steps != null && epochs != null) {
      throw CommandFailure.usage("give --steps or --epochs, not both");
    }
    int all =
        steps != null
            ? steps
            : epochs != null ? steps(tasks, epochs) : Math.max(LEAST_STEPS, steps(tasks, EPOCHS));
    int rising = warmUp != null ? warmUp : Math.min(WARM_UP, all / 10);
    int evaluating =
        evaluateEvery != null ? evaluateEvery : Math.max(1, Math.min(EVALUATE_EVERY, all / 10));
    try {
      return new TrainingOptions(
          trainable,
          AdamW.Config.paper().withDecay(decay).withMaxNorm(clip),
          new Schedule(schedule, rate, rising, all),
          all,
          batchSize,
          batchTokens,
          accumulation,
          temperature,
          mixed,
          smoothing,
          dropout,
          evaluating,
          saveEvery,
          patience,
          seed);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
  }

  private int steps(List<TaskData> tasks, double times) {
    if (!(times > 0 && times <= 1e6)) {
      throw CommandFailure.usage(
          String.format(
              Locale.ROOT, "--epochs must be positive, at most a million; got %s", times));
    }
    int each =
        MultiTaskTrainer.stepsPerEpoch(
            tasks,
            Math.max(1, batchSize),
            Math.max(0, batchTokens),
            Math.max(1, accumulation),
            seed);
    return Math.max(1, Math.toIntExact(Math.round(times * each)));
  }
}
