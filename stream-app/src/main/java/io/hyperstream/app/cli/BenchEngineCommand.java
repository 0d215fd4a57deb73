package io.hyperstream.app.cli;

import io.hyperstream.model.bench.EngineBench;
import io.hyperstream.model.bench.TaskMix;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "engine",
    mixinStandardHelpOptions = true,
    description = {
      "What the engine makes of the machine: the encoder alone, whole classification batches as "
          + "they are served, bare and with the adapters of several tasks, and greedy decoding, "
          + "beside matrix products of the same sizes.",
      "GFLOP/s count the matrix products only; their ratio is to the same run's products."
    })
final class BenchEngineCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--labels",
      paramLabel = "N",
      defaultValue = "2",
      description = "Labels of each task. Default: ${DEFAULT-VALUE}.")
  private int labels;

  @Option(
      names = "--label-tokens",
      paramLabel = "N",
      defaultValue = "1",
      description = "Tokens of each label. Default: ${DEFAULT-VALUE}.")
  private int labelTokens;

  @Option(
      names = "--tasks",
      paramLabel = "N",
      defaultValue = "4",
      description = "Tasks the rows of a batch are drawn from. Default: ${DEFAULT-VALUE}.")
  private int tasks;

  @Option(
      names = "--dist",
      paramLabel = "MIX",
      defaultValue = "UNIFORM",
      description = "How: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private TaskMix mix;

  @Mixin private BenchBatchOptions batch;
  @Mixin private BenchModelOptions model;
  @Mixin private BenchOptions options;

  BenchEngineCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    EngineBench.Options what;
    try {
      what =
          new EngineBench.Options(
              model.source(batch),
              batch.batch,
              batch.seq,
              labels,
              labelTokens,
              tasks,
              mix,
              options.rounds);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
    return options.run(console, () -> EngineBench.run(what));
  }
}
