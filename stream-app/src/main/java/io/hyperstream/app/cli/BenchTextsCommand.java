package io.hyperstream.app.cli;

import io.hyperstream.app.inference.TextBench;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.TaskFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "texts",
    mixinStandardHelpOptions = true,
    description = {
      "How fast real texts are answered: those of a folder's tasks, mixed, go through the engine's "
          + "own choice of batches and the model. Also what tokenising costs."
    })
final class BenchTextsCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DIR",
      description = "A task's folder, or a folder of them, as for `hyperstream evaluate`.")
  private Path data;

  @Option(
      names = "--texts",
      paramLabel = "N",
      defaultValue = "2048",
      description = "Texts of all tasks together, drawn at random. Default: ${DEFAULT-VALUE}.")
  private int texts;

  @Option(
      names = "--waiting",
      paramLabel = "N",
      defaultValue = "512",
      description =
          "Texts that wait for a batch at a time: hyperstream.engine.window-rows times the stream"
              + " threads. Default: ${DEFAULT-VALUE}.")
  private int waiting;

  @Mixin private ModelChoice model;
  @Mixin private BenchOptions options;

  BenchTextsCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (texts < 1 || waiting < 1) {
      throw CommandFailure.usage("--texts and --waiting must be at least 1");
    }
    List<TextBench.Text> read = read();
    options.apply();
    TextBench bench = new TextBench(model.load(), read, waiting, options.rounds);
    return options.run(console, bench::run);
  }

  private List<TextBench.Text> read() throws IOException {
    List<TaskFolder> tasks =
        TaskFolder.isTask(data) ? List.of(TaskFolder.open(data)) : TaskFolder.openAll(data);
    List<TextBench.Text> all = new ArrayList<>();
    for (TaskFolder task : tasks) {
      String split = task.has("test") ? "test" : "train";
      if (task.task().kind() == TaskKind.CLASSIFICATION && task.has(split)) {
        for (Example example : task.read(split)) {
          all.add(new TextBench.Text(task.task(), example.text(), example.textPair()));
        }
      }
    }
    if (all.isEmpty()) {
      throw CommandFailure.usage(data + " has no classification task with texts");
    }
    Collections.shuffle(all, new Random(1));
    return all.subList(0, Math.min(texts, all.size()));
  }
}
