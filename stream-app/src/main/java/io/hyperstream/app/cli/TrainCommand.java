package io.hyperstream.app.cli;

import io.hyperstream.model.family.Objective;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.NativeMemory;
import io.hyperstream.model.training.ModelSource;
import io.hyperstream.model.training.MultiTaskTrainer;
import io.hyperstream.model.training.TaskData;
import io.hyperstream.model.training.TaskFolder;
import io.hyperstream.model.training.TaskReader;
import io.hyperstream.model.training.Trainable;
import io.hyperstream.model.training.TrainingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains a model on many tasks, offline. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    customSynopsis = "hyperstream train --data DIR[,DIR] --output DIR [OPTIONS]",
    description = {
      "Train a shared hypernetwork (or adapters, or T5 itself) on your tasks, without Kafka. The"
          + " backbone is a T5 or a sentence encoder; an encoder stays as it is, and learns tasks"
          + " of the kind classification.",
      "",
      "A task is a folder: train.tsv (text, label; or text, second text, label), optionally"
          + " validation.tsv and test.tsv, or the same as .jsonl, and optionally task.json with"
          + " kind, labels, template and metric. --data names such folders, or folders of them."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  HyperFormer++ on all tasks below a folder, on the T5 of the starter model, then use it:",
      "    hyperstream train --data tasks/ --output run/",
      "    hyperstream model import run/model --name mine",
      "    hyperstream predict --model mine --task TASK --text '...'",
      "  HyperFormer++ in the upper half of the default model, a sentence encoder:",
      "    hyperstream train --data tasks/ --backbone bge-small --output run/",
      "  The paper's setting, on T5-base:",
      "    hyperstream train --data glue/ --backbone t5-base/ --steps 65536 -o run/",
      "  Its baselines: all of T5 on all tasks; adapters, a model for each task:",
      "    hyperstream train --data glue/ --backbone t5-base/ --preset finetune -o full/",
      "    hyperstream train --data glue/ --backbone t5-base/ --preset adapters -o each/",
      "  A backbone from scratch, hypernetwork and all, as the starter model was made:",
      "    hyperstream train --data tasks/ --init random --lr 1e-3 --epochs 30 -o new/ \\",
      "      --reduction-factor 16 --batch-size 64 --accumulation 2 --temperature 1.7",
      "  Go on after a kill, a crash or Ctrl-C, to the very same weights:",
      "    the same command with --resume",
      "",
      "The output folder has metrics.jsonl, training.html (loss and average metric), the state to"
          + " resume from and, at the end, the best model in model/. 'average' is the mean over the"
          + " tasks of each task's metrics on its validation rows."
    })
final class TrainCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--data",
      required = true,
      split = ",",
      paramLabel = "DIR",
      description = "Folders of tasks, or of one task each.")
  private List<Path> data;

  @Option(
      names = {"-t", "--tasks"},
      split = ",",
      paramLabel = "TASK",
      description = "Only these. Default: all but those whose task.json has \"group\": \"target\".")
  private List<String> names;

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "DIR",
      description = "The run's folder.")
  private Path output;

  @Option(names = "--resume", description = "Go on with the run in --output, if there is one.")
  private boolean resume;

  @Mixin private TrainModelChoice model;

  @Mixin private TrainSettings settings;

  @Option(names = "--json", description = "The summary as JSON, an object per model.")
  private boolean json;

  TrainCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    boolean perTask = model.preset().perTask();
    Trainable trainable = model.trainable();
    List<TaskFolder> folders = folders();
    for (TaskFolder folder : folders) {
      Path run = perTask ? output.resolve(folder.task().taskId()) : output;
      if (!resume && MultiTaskTrainer.isBegun(run)) {
        throw CommandFailure.usage(
            run + " has a run already; --resume goes on with it, or choose another --output");
      }
    }
    BenchCommand.threads(settings.threads);
    NativeMemory.keepFreed();
    ModelSource backbone = model.backbone(output, settings.seed);
    Objective objective = backbone.family().objective();
    model.check(objective);
    settings.check(objective);
    List<TaskData> tasks = new ArrayList<>();
    try (TaskReader reader = TaskReader.open(backbone, settings.maxSourceTokens)) {
      for (TaskFolder folder : learnable(folders, objective)) {
        tasks.add(reader.read(folder, settings.maxEvaluationRows));
      }
    }
    if (!perTask) {
      return train(backbone, trainable, tasks, output);
    }
    for (TaskData task : tasks) {
      Path run = output.resolve(task.task().taskId());
      int status = train(backbone, trainable, List.of(task), run);
      if (status != ExitCodes.OK) {
        return status;
      }
    }
    return ExitCodes.OK;
  }

  private List<TaskFolder> folders() throws IOException {
    List<TaskFolder> all = new ArrayList<>();
    for (Path folder : data) {
      if (!Files.isDirectory(folder)) {
        throw CommandFailure.usage("--data: no such folder: " + folder);
      }
      all.addAll(
          TaskFolder.isTask(folder)
              ? List.of(TaskFolder.open(folder))
              : TaskFolder.openAll(folder));
    }
    Map<String, TaskFolder> chosen = new LinkedHashMap<>();
    for (TaskFolder folder : all) {
      String task = folder.task().taskId();
      boolean wanted = names == null ? !folder.group().equals("target") : names.contains(task);
      if (wanted && chosen.put(task, folder) != null) {
        throw CommandFailure.usage("there are two tasks named '" + task + "'; give each a name");
      }
    }
    if (names != null && !chosen.keySet().containsAll(names)) {
      TreeSet<String> missing = new TreeSet<>(names);
      missing.removeAll(chosen.keySet());
      throw CommandFailure.usage(
          "there is no task "
              + String.join(", ", missing)
              + "; there are "
              + all.stream()
                  .map(f -> f.task().taskId())
                  .sorted()
                  .collect(Collectors.joining(", ")));
    }
    if (chosen.containsKey(AdapterConfig.GENERIC)) {
      throw CommandFailure.usage(
          "a task cannot be called '"
              + AdapterConfig.GENERIC
              + "': new tasks start from adapters of that name; give it another \"name\" in task.json");
    }
    if (chosen.isEmpty()) {
      throw CommandFailure.usage(
          "--data: no tasks to train on; a task is a folder with train.tsv or train.jsonl");
    }
    return List.copyOf(chosen.values());
  }

  /** Leaves out, with a note, what a model of this kind cannot be taught. */
  private List<TaskFolder> learnable(List<TaskFolder> folders, Objective objective) {
    List<TaskFolder> kept = new ArrayList<>();
    for (TaskFolder folder : folders) {
      TaskDefinition task = folder.task();
      if (objective.learns(task.kind())) {
        kept.add(folder);
      } else {
        console.note(
            task.taskId()
                + " is left out: its kind is "
                + task.kind()
                + ", and an encoder learns CLASSIFICATION only");
      }
    }
    if (kept.isEmpty()) {
      throw CommandFailure.usage(
          "none of the tasks can be taught to an encoder; --model "
              + StarterModel.NAME
              + " or another T5 learns numbers and texts");
    }
    return kept;
  }

  private int train(ModelSource backbone, Trainable trainable, List<TaskData> tasks, Path folder)
      throws IOException {
    List<String> ids = tasks.stream().map(task -> task.task().taskId()).toList();
    ModelSource source = model.withAdapters(backbone, ids, settings.seed);
    boolean shared = source.adapters().stream().anyMatch(AdapterConfig::hasGeneric);
    TrainingOptions options =
        settings.options(trainable, tasks, source.family().objective(), shared);
    console.note(
        String.format(
            Locale.ROOT,
            "%s on %s (%d rows): %d steps, into %s",
            model.preset(),
            ids.size() == 1 ? ids.get(0) : ids.size() + " tasks",
            tasks.stream().mapToInt(task -> task.train().size()).sum(),
            options.steps(),
            folder));
    long begun = System.nanoTime();
    try (TrainProgress progress = new TrainProgress(console, "training", options.steps())) {
      MultiTaskTrainer.Result result =
          MultiTaskTrainer.train(source, tasks, options, folder, progress);
      if (!result.finished()) {
        console.note("stopped at step " + result.steps() + "; --resume goes on from here");
        return ExitCodes.INTERRUPTED;
      }
      double seconds = (System.nanoTime() - begun) / 1e9;
      if (json) {
        console.printJson(summary(folder, ids, result, seconds, progress.tokensPerSecond()));
      } else {
        print(folder, ids, result, seconds);
      }
      return ExitCodes.OK;
    } catch (ArithmeticException e) {
      throw CommandFailure.failed(e.getMessage(), e);
    }
  }

  private Map<String, Object> summary(
      Path folder,
      List<String> tasks,
      MultiTaskTrainer.Result result,
      double seconds,
      double tokensPerSecond) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("preset", model.preset().label());
    map.put("tasks", tasks);
    map.put("output", folder.toString());
    map.put("model", folder.resolve(MultiTaskTrainer.MODEL).toString());
    map.put("steps", result.steps());
    map.put("bestStep", result.bestStep());
    map.put("average", result.validation().isEmpty() ? null : result.best());
    map.put("validation", result.validation());
    map.put("test", result.test());
    map.put("trainedParameters", result.trainedValues());
    map.put("seconds", seconds);
    map.put("tokensPerSecond", tokensPerSecond);
    return map;
  }

  private void print(
      Path folder, List<String> tasks, MultiTaskTrainer.Result result, double seconds) {
    for (String task : tasks) {
      console.print(
          String.format(
              Locale.ROOT,
              "%-28s validation %-28s test %s",
              task,
              metrics(result.validation().get(task)),
              metrics(result.test().get(task))));
    }
    console.print(
        String.format(
            Locale.ROOT,
            "%d steps in %s, %d numbers trained, best at step %d%s",
            result.steps(),
            TrainProgress.time(seconds),
            result.trainedValues(),
            result.bestStep(),
            result.validation().isEmpty()
                ? ""
                : String.format(Locale.ROOT, ": average %.4f", result.best())));
    Path written = folder.resolve(MultiTaskTrainer.MODEL);
    console.note("The model is in " + written + "; to use it:");
    console.note("  hyperstream model import " + written + " --name NAME");
  }

  private static String metrics(Map<String, Double> of) {
    return of == null
        ? "-"
        : of.entrySet().stream()
            .map(e -> String.format(Locale.ROOT, "%s %.4f", e.getKey(), e.getValue()))
            .collect(Collectors.joining(" "));
  }
}
