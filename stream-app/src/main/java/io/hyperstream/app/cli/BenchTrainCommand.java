package io.hyperstream.app.cli;

import io.hyperstream.model.bench.ModelShape;
import io.hyperstream.model.bench.TrainBench;
import io.hyperstream.model.training.Preset;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    description = {
      "What a step of training (forward, backward, update) costs beside a forward pass of the same "
          + "batch. The model has a published shape and random weights."
    })
final class BenchTrainCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--model",
      paramLabel = "SHAPE",
      defaultValue = "t5-small",
      description = "t5-small or t5-base. Default: ${DEFAULT-VALUE}.")
  private String model;

  @Option(
      names = "--preset",
      paramLabel = "NAME",
      defaultValue = "hyperformer++",
      description = "What is trained, as in `hyperstream train`. Default: ${DEFAULT-VALUE}.")
  private String preset;

  @Option(
      names = "--rows",
      paramLabel = "N",
      defaultValue = "32",
      description = "Texts in a batch. Default: ${DEFAULT-VALUE}.")
  private int rows;

  @Option(
      names = "--source-length",
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens of each text. Default: ${DEFAULT-VALUE}.")
  private int sourceLength;

  @Option(
      names = "--target-length",
      paramLabel = "N",
      defaultValue = "4",
      description = "Tokens of each label. Default: ${DEFAULT-VALUE}.")
  private int targetLength;

  @Mixin private BenchOptions options;

  BenchTrainCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    TrainBench.Options what;
    try {
      what =
          new TrainBench.Options(
              ModelShape.named(model),
              Preset.named(preset),
              rows,
              sourceLength,
              targetLength,
              options.rounds);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
    options.apply();
    options.print(console, TrainBench.run(what));
    return ExitCodes.OK;
  }
}
