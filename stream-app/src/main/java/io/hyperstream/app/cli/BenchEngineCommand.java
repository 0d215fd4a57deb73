package io.hyperstream.app.cli;

import io.hyperstream.model.bench.EngineBench;
import io.hyperstream.model.bench.ModelShape;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "engine",
    mixinStandardHelpOptions = true,
    description = {
      "What the engine makes of the machine: a batch encoded and scored, bare and with adapters of "
          + "several tasks, and greedy decoding, beside matrix products of the same sizes. The "
          + "model has a published shape and random weights."
    })
final class BenchEngineCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--model",
      paramLabel = "SHAPE",
      defaultValue = "t5-small",
      description = "t5-small or t5-base. Default: ${DEFAULT-VALUE}.")
  private String model;

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
      names = "--tasks",
      paramLabel = "N",
      defaultValue = "4",
      description = "Tasks that share a batch. Default: ${DEFAULT-VALUE}.")
  private int tasks;

  @Mixin private BenchOptions options;

  BenchEngineCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    EngineBench.Options what;
    try {
      what =
          new EngineBench.Options(
              ModelShape.named(model), rows, sourceLength, tasks, options.rounds);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
    options.apply();
    options.print(console, EngineBench.run(what));
    return ExitCodes.OK;
  }
}
