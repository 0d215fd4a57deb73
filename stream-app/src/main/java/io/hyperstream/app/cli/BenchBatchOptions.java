package io.hyperstream.app.cli;

import picocli.CommandLine.Option;

/** Model and batch of the benchmarks that run a model. */
final class BenchBatchOptions {
  @Option(
      names = "--model",
      paramLabel = "SHAPE",
      defaultValue = "t5-small",
      description = "t5-small or t5-base. Default: ${DEFAULT-VALUE}.")
  String model;

  @Option(
      names = "--rows",
      paramLabel = "N",
      defaultValue = "32",
      description = "Texts in a batch. Default: ${DEFAULT-VALUE}.")
  int rows;

  @Option(
      names = "--source-length",
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens of each text. Default: ${DEFAULT-VALUE}.")
  int sourceLength;
}
