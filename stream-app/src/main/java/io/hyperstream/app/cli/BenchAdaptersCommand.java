package io.hyperstream.app.cli;

import io.hyperstream.model.bench.AdapterBench;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "adapters",
    mixinStandardHelpOptions = true,
    description = {
      "What a mix of tasks costs: batches of 1, 4, 8, 32 and 128 tasks beside the bare backbone, "
          + "and the adapters' part of an encoder pass beside the rest of that pass; one text asked "
          + "by eight tasks and eight times by one, beside once; generating a task's adapters; and a "
          + "crowd of registered tasks under a Zipf mix, of which few are resident, beside one task.",
      "Layers below a model's first adapters are computed once per text: `adapters` of the rows of one "
          + "text says where they begin, `arithmetic` what that makes of the encoder's work."
    })
final class BenchAdaptersCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--registered",
      paramLabel = "N",
      defaultValue = "10000",
      description = "Tasks of the crowd. Default: ${DEFAULT-VALUE}.")
  private int registered;

  @Option(
      names = "--resident",
      paramLabel = "SHARE",
      defaultValue = "0.1",
      description = "Of them, how many may stay in memory. Default: ${DEFAULT-VALUE}.")
  private double resident;

  @Mixin private BenchBatchOptions batch;
  @Mixin private BenchModelOptions model;
  @Mixin private BenchOptions options;

  BenchAdaptersCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    AdapterBench.Options what;
    try {
      what =
          new AdapterBench.Options(
              model.source(batch), batch.batch, batch.seq, registered, resident, options.rounds);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
    return options.run(console, () -> AdapterBench.run(what));
  }
}
