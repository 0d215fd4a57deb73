package io.hyperstream.app.cli;

import io.hyperstream.model.bench.LabelBench;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.TaskFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "labels",
    mixinStandardHelpOptions = true,
    description = {
      "What many labels cost: the exact score and the beam over the label trie, beside two labels "
          + "of one token; and how often the beam finds the label that the exact score does."
    })
final class BenchLabelsCommand implements Callable<Integer> {
  private static final String SPLIT = "test";

  private final Console console;

  @Option(
      names = "--labels",
      paramLabel = "N",
      split = ",",
      description = "Sizes of label sets to be made up. Default: 64,150 unless --data is given.")
  private List<Integer> labels = new ArrayList<>();

  @Option(
      names = "--label-tokens",
      paramLabel = "N",
      defaultValue = "3",
      description = "Tokens of each made-up label. Default: ${DEFAULT-VALUE}.")
  private int labelTokens;

  @Option(
      names = "--data",
      paramLabel = "DIR[,DIR]",
      description =
          "A task's folder, as for `hyperstream evaluate`: its labels, and its test texts to"
              + " compare the beam on. The labels of several, given with commas, make one set. May"
              + " be repeated.")
  private List<String> data = new ArrayList<>();

  @Option(
      names = "--texts",
      paramLabel = "N",
      defaultValue = "256",
      description = "Texts of each set to compare the beam on. Default: ${DEFAULT-VALUE}.")
  private int texts;

  @Option(
      names = "--beams",
      paramLabel = "N",
      defaultValue = "8",
      description = "Label prefixes kept per level. Default: ${DEFAULT-VALUE}.")
  private int beams;

  @Mixin private BenchBatchOptions batch;
  @Mixin private BenchModelOptions model;
  @Mixin private BenchOptions options;

  BenchLabelsCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    List<LabelBench.LabelSet> sets = new ArrayList<>();
    for (String folders : data) {
      sets.add(read(folders.split(",")));
    }
    List<Integer> sizes = labels.isEmpty() && sets.isEmpty() ? List.of(64, 150) : labels;
    LabelBench.Options what;
    try {
      what =
          new LabelBench.Options(
              model.source(batch),
              batch.batch,
              batch.seq,
              sizes,
              labelTokens,
              sets,
              beams,
              options.rounds);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
    return options.run(console, () -> LabelBench.run(what));
  }

  private LabelBench.LabelSet read(String[] folders) throws IOException {
    Set<String> all = new LinkedHashSet<>();
    List<String> names = new ArrayList<>();
    List<String> found = new ArrayList<>();
    for (String folder : folders) {
      TaskFolder task = TaskFolder.open(Path.of(folder));
      if (task.task().kind() != TaskKind.CLASSIFICATION || task.task().template().needsPair()) {
        throw CommandFailure.usage(folder + " has no labels of single texts");
      }
      task.task().labels().stream().map(Label::name).forEach(all::add);
      task.read(SPLIT).stream().map(Example::text).forEach(found::add);
      names.add(task.task().taskId());
    }
    Collections.shuffle(found, new Random(1));
    String name = names.size() == 1 ? names.get(0) : names.get(0) + "-and-others";
    return new LabelBench.LabelSet(
        name, List.copyOf(all), names, found.subList(0, Math.min(texts, found.size())));
  }
}
