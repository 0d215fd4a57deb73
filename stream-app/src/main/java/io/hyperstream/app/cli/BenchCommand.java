package io.hyperstream.app.cli;

import io.hyperstream.model.tensor.Ops;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Measurements on this machine. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "Measure this machine, the engine on it and the pipeline around that, side by side in one run.",
      "Values depend on what else the machine does; ratios to the same run's ceiling less so. "
          + "± is the spread, the interquartile range over the median, of the ratio where there is"
          + " one. If a row spreads by more than --max-spread, or others had more than 5 %% of the"
          + " processors' time, the exit code is 5."
    },
    subcommands = {
      BenchGemmCommand.class,
      BenchEngineCommand.class,
      BenchAdaptersCommand.class,
      BenchLabelsCommand.class,
      BenchPipelineCommand.class,
      BenchPlainConsumerCommand.class,
      BenchTextsCommand.class,
      BenchTrainCommand.class
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream bench gemm",
      "    hyperstream bench engine --config t5-base --batch 16 --seq 128 --tasks 4",
      "    hyperstream bench engine --against onnxruntime",
      "    hyperstream bench adapters --json adapters.json",
      "    hyperstream bench labels --model starter-t5-mini --data tasks/hwu64",
      "    hyperstream bench texts --data tasks",
      "    hyperstream bench train --preset finetune",
      "    hyperstream bench pipeline --json pipeline.json",
      "    hyperstream bench pipeline --against plain-consumer",
    })
final class BenchCommand implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "name what to measure: gemm, engine, adapters, labels, pipeline, texts or train");
  }

  /** Sets the threads of one operation; 0 leaves the library's choice, one per core. */
  static void threads(int threads) {
    if (threads < 0 || threads > 1024) {
      throw CommandFailure.usage("--threads must be 0 to 1024; it is " + threads);
    }
    if (threads > 0) {
      Ops.setThreads(threads);
    }
  }
}
