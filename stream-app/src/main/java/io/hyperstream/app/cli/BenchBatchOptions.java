package io.hyperstream.app.cli;

import io.hyperstream.model.bench.ModelShape;
import picocli.CommandLine.Option;

/** Shape and batch of the benchmarks that run a model. */
final class BenchBatchOptions {
  @Option(
      names = "--config",
      paramLabel = "SHAPE",
      defaultValue = "t5-small",
      description = "t5-small or t5-base, with random weights. Default: ${DEFAULT-VALUE}.")
  private String config;

  @Option(
      names = {"--batch", "--rows"},
      paramLabel = "N",
      defaultValue = "32",
      description = "Texts in a batch. Default: ${DEFAULT-VALUE}.")
  int batch;

  @Option(
      names = {"--seq", "--length"},
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens of each text. Default: ${DEFAULT-VALUE}.")
  int seq;

  ModelShape shape() {
    return ModelShape.named(config);
  }
}
