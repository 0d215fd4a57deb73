package io.hyperstream.app.cli;

import io.hyperstream.model.bench.AgainstBench;
import io.hyperstream.model.bench.EngineBench;
import io.hyperstream.model.bench.OpponentFactory;
import io.hyperstream.model.bench.TaskMix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "engine",
    mixinStandardHelpOptions = true,
    description = {
      "What the engine makes of the machine: the encoder alone, whole classification batches as "
          + "they are served, bare and with the adapters of several tasks, and greedy decoding, "
          + "beside matrix products of the same sizes.",
      "GFLOP/s count the matrix products only; their ratio is to the same run's products.",
      "With --against another program runs the same model: the same token ids in the same batches on"
          + " as many threads, in turn, for about a second of ours in every round. Timed is the vector"
          + " of each text, from token ids; tokenising is not. Rows: engine.embed is ours, its ratio"
          + " is to the other's (median, least and largest of the rounds); .cpu is processor time;"
          + " .difference is the largest between numbers of both sides' vectors. In float32 they must"
          + " agree, or the command fails.",
      "`onnxruntime` is ONNX Runtime on the ONNX file that bge-small was converted from, and on its"
          + " 8-bit version. It is no part of the application: `"
          + Opponents.BUILD
          + "` puts it into bench/ beside it."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream bench engine --config t5-base --batch 16 --seq 128",
      "  Against ONNX Runtime, on the demo's sentences:",
      "    hyperstream bench engine --against onnxruntime",
      "  The same on texts of yours and one thread:",
      "    hyperstream bench engine --against onnxruntime --texts texts.txt --threads 1",
      "  The same on 64 texts of 128 tokens:",
      "    hyperstream bench engine --against onnxruntime --rows 64 --length 128"
    })
final class BenchEngineCommand implements Callable<Integer> {
  /** Texts of a batch, as the application forms them unless told otherwise. */
  private static final int SERVED_BATCH = 64;

  private static final double SECONDS = 1;

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

  @Option(
      names = "--against",
      paramLabel = "PROGRAM",
      description =
          "Measure against this program instead: onnxruntime. --batch is 64 then unless given, and"
              + " --model bge-small.")
  private String against;

  @Option(
      names = "--texts",
      paramLabel = "FILE",
      description =
          "With --against: encode the texts of this file, sorted by length. Default: the demo's"
              + " sentences, or with --seq one batch of random tokens.")
  private Path texts;

  @Option(
      names = "--precision",
      defaultValue = "f32",
      paramLabel = "TYPE",
      description =
          "With --against: what the engine computes products with the model's weights in, f32, bf16"
              + " or auto. Default: ${DEFAULT-VALUE}.")
  private String precision;

  @Mixin private BenchBatchOptions batch;
  @Mixin private BenchModelOptions model;
  @Mixin private BenchOptions options;

  @Spec private CommandSpec spec;

  BenchEngineCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (against != null) {
      return against();
    }
    if (texts != null) {
      throw CommandFailure.usage("--texts goes with --against");
    }
    if (given("--precision")) {
      throw CommandFailure.usage("--precision goes with --against");
    }
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

  private Integer against() throws Exception {
    for (String option : List.of("--labels", "--label-tokens", "--tasks", "--dist", "--config")) {
      if (given(option)) {
        throw CommandFailure.usage(option + " does not go with --against, which encodes texts");
      }
    }
    if (texts != null && given("--seq")) {
      throw CommandFailure.usage("--texts have their own lengths: leave out --seq");
    }
    OpponentFactory opponents = Opponents.find(against);
    AgainstBench.Options what;
    try {
      what =
          new AgainstBench.Options(
              model.stored(),
              opponents,
              given("--seq") ? List.of() : texts(),
              given("--batch") ? batch.batch : SERVED_BATCH,
              batch.seq,
              options.rounds,
              SECONDS,
              precision);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
    return options.run(console, () -> AgainstBench.run(what));
  }

  private boolean given(String option) {
    return spec.commandLine().getParseResult().hasMatchedOption(option);
  }

  private List<String> texts() throws IOException {
    List<String> lines = new ArrayList<>();
    if (texts == null) {
      for (DemoSentence sentence : DemoSentence.all()) {
        lines.add(sentence.text());
        sentence.textPair().ifPresent(lines::add);
      }
      return lines;
    }
    try (InputReader rows =
        InputReader.of(texts.toString(), Files.newInputStream(texts), InputFormat.AUTO, Map.of())) {
      for (Optional<InputRow> row = rows.next(); row.isPresent(); row = rows.next()) {
        lines.add(row.get().text());
      }
    }
    if (lines.isEmpty()) {
      throw CommandFailure.usage(texts + " has no texts");
    }
    return lines;
  }
}
