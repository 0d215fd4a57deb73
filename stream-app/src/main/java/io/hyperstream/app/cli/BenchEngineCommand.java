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
      names = "--tasks",
      paramLabel = "N",
      defaultValue = "4",
      description = "Tasks that share a batch. Default: ${DEFAULT-VALUE}.")
  private int tasks;

  @Mixin private BenchBatchOptions batch;
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
              ModelShape.named(batch.model), batch.rows, batch.sourceLength, tasks, options.rounds);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
    options.apply();
    options.print(console, EngineBench.run(what));
    return ExitCodes.OK;
  }
}
