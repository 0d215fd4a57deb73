package io.hyperstream.app.cli;

import io.hyperstream.model.bench.GemmBench;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "gemm",
    mixinStandardHelpOptions = true,
    description = {
      "What this machine can do: float32 matrix products through the engine's own library, and "
          + "copying memory."
    })
final class BenchGemmCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private BenchOptions options;

  BenchGemmCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    return options.run(console, () -> GemmBench.run(options.rounds));
  }
}
