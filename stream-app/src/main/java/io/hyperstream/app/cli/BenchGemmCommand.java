package io.hyperstream.app.cli;

import io.hyperstream.model.bench.GemmBench;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "gemm",
    mixinStandardHelpOptions = true,
    description = {
      "What this machine can do: products of activations with frozen weights, and copying memory.",
      "gemm.plain is PyTorch's own product (MKL), gemm.onednn the other library inside libtorch, "
          + "gemm.packed the same with weights packed once, a call each; .bf16 is the same in"
          + " bfloat16, casts included. Each row says what uses it.",
      "gemm.packed.bare is the packed product alone, many times in one call: gemm.packed has a second "
          + "row with its ratio to that, which is what the way to a product costs.",
      "limit and limit.bf16 are what the processor's instructions allow at the clock measured now."
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
