package io.hyperstream.app.cli;

import io.hyperstream.model.bench.GemmBench;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "gemm",
    mixinStandardHelpOptions = true,
    description = {
      "What this machine can do: float32 matrix products through the engine's own library, and "
          + "copying memory."
    })
final class BenchGemmCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "7",
      description = "Repetitions. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads of one operation. Default: one per core.")
  private int threads;

  @Option(names = "--json", description = "One JSON object per line.")
  private boolean json;

  BenchGemmCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    if (rounds < 1 || rounds > 10_000) {
      throw CommandFailure.usage("--rounds must be 1 to 10000; it is " + rounds);
    }
    BenchCommand.threads(threads);
    BenchCommand.print(console, GemmBench.run(rounds), json);
    return ExitCodes.OK;
  }
}
