package io.hyperstream.app.cli;

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
      names = "--preset",
      paramLabel = "NAME",
      defaultValue = "hyperformer++",
      description = "What is trained, as in `hyperstream train`. Default: ${DEFAULT-VALUE}.")
  private String preset;

  @Option(
      names = "--target-length",
      paramLabel = "N",
      defaultValue = "4",
      description = "Tokens of each label. Default: ${DEFAULT-VALUE}.")
  private int targetLength;

  @Mixin private BenchBatchOptions batch;
  @Mixin private BenchOptions options;

  BenchTrainCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    TrainBench.Options what;
    try {
      what =
          new TrainBench.Options(
              batch.shape(),
              Preset.named(preset),
              batch.batch,
              batch.seq,
              targetLength,
              options.rounds);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
    return options.run(console, () -> TrainBench.run(what));
  }
}
