package io.hyperstream.app.cli;

import io.hyperstream.model.evaluation.FewShotEvaluation;
import io.hyperstream.model.evaluation.FewShotEvaluation.Run;
import io.hyperstream.model.evaluation.PromotionEvaluation;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.tensor.NativeMemory;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotModel;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.model.training.FewShotTrainer.Part;
import io.hyperstream.model.training.TaskFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    description = {
      "Measure few-shot adaptation on folders of labelled texts: adapt to K examples per label,"
          + " measure on the test split, repeat with other examples.",
      "",
      "A task is a folder with task.json (kind, labels), train and test as .tsv (text, optionally"
          + " a second text, label) or .jsonl; fewshot.json, where there is one, names the rows to"
          + " learn from, otherwise they are drawn by seed."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream evaluate --data suite --task customer_reviews --few-shot 4,16 --seeds 3",
      "    hyperstream evaluate --data suite --method zero-shot,prototypes,auto --json > runs.jsonl",
      "    hyperstream evaluate --data suite --method prototypes --without decoder,words",
      "    hyperstream evaluate --data suite --task clinc_travel --few-shot 10 --method prototypes \\",
      "      --out-of-scope clinc_banking,clinc_work",
      "",
      "With --json one object per run: {taskId, method, shots, seed, metric, zeroShot, score,"
          + " calibrationError, seconds}, with --out-of-scope also outOfScope; zeroShot is the best known start before anything was learnt; method is"
          + " `prototypes-words` for prototypes without words. Under `all`,"
          + " tasks without labels are skipped; tasks that cannot be read are too, and the exit"
          + " code is then 1."
    })
final class EvaluateCommand implements Callable<Integer> {
  private static final String ALL = "all";

  private final Console console;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DIR",
      description = "A folder of task folders, or one task folder.")
  private Path data;

  @Option(
      names = {"-t", "--task"},
      split = ",",
      defaultValue = ALL,
      paramLabel = "TASK",
      description = "Names of task folders, or all. Default: ${DEFAULT-VALUE}.")
  private List<String> tasks;

  @Option(
      names = "--few-shot",
      split = ",",
      defaultValue = "4,16",
      paramLabel = "K",
      description = "Examples per label. Default: ${DEFAULT-VALUE}.")
  private List<Integer> shots;

  @Option(
      names = "--seeds",
      defaultValue = "5",
      paramLabel = "N",
      description = "How many draws of examples. Default: ${DEFAULT-VALUE}.")
  private int seeds;

  @Option(
      names = "--method",
      split = ",",
      defaultValue = "auto",
      paramLabel = "METHOD",
      description =
          "What learns: zero-shot (nothing), embedding (the task embedding), prototypes (label"
              + " vectors, no gradient), weights (embedding, then the adapters themselves), auto"
              + " (what explains left-out examples best), logistic (to compare with: logistic"
              + " regression over the frozen model's vectors and TF-IDF). Default:"
              + " ${DEFAULT-VALUE}.")
  private List<String> methods;

  @Option(
      names = "--without",
      split = ",",
      paramLabel = "PART",
      description =
          "Leave parts of prototypes and auto out, to see what each is worth: decoder (T5's label"
              + " scores), states or words (label vectors over either).")
  private Set<Part> without = EnumSet.noneOf(Part.class);

  @Option(
      names = "--out-of-scope",
      split = ",",
      paramLabel = "TASK",
      description =
          "Measure too how well texts of other tasks, the test splits of these task folders, are"
              + " told from the task's own by the predictions' outOfScope: the area under the ROC"
              + " curve (0.5 is chance, 1 perfect). A task is never compared with itself.")
  private List<String> outOfScope = List.of();

  @Option(
      names = "--max-test-rows",
      paramLabel = "N",
      description = "Measure on the first N rows of the test split. Default: all.")
  private int maxTestRows = Integer.MAX_VALUE;

  @Option(
      names = "--precision",
      defaultValue = "f32",
      paramLabel = "TYPE",
      description =
          "Of products with the model's weights: f32, bf16, or auto for bf16 where the processor has"
              + " it. Default: ${DEFAULT-VALUE}.")
  private String precision;

  @Option(
      names = "--threads",
      defaultValue = "0",
      paramLabel = "N",
      description = "Threads of one operation. Default: 0, one per core.")
  private int threads;

  @Option(
      names = "--promotion",
      description =
          "Measure promotion instead of accuracy: how often a new version would be promoted, with the"
              + " labels as they are and shuffled (where nothing can be learnt). The first METHOD"
              + " counts.")
  private boolean promotion;

  @Option(
      names = "--shuffles",
      defaultValue = "5",
      paramLabel = "N",
      description = "Of --promotion: shuffles of each draw. Default: ${DEFAULT-VALUE}.")
  private int shuffles;

  @Option(names = "--json", description = "One JSON object per run, as soon as it is done.")
  private boolean json;

  @Mixin private ModelChoice choice;

  EvaluateCommand(Console console) {
    this.console = console;
  }

  /** {@code zero-shot} for {@code ZERO_SHOT}. */
  private static Method method(String name) {
    List<String> known = new ArrayList<>();
    for (Method method : Method.values()) {
      known.add(FewShotEvaluation.key(method));
      if (FewShotEvaluation.key(method).equals(name)) {
        return method;
      }
    }
    known.add(FewShotEvaluation.LOGISTIC);
    throw CommandFailure.usage("--method: expected " + known + "; got " + name);
  }

  @Override
  public Integer call() throws Exception {
    if (promotion && !without.isEmpty()) {
      throw CommandFailure.usage("--without cannot be combined with --promotion");
    }
    for (int k : shots) {
      CommandFailure.requirePositive("--few-shot", k);
    }
    CommandFailure.requirePositive("--seeds", seeds);
    CommandFailure.requirePositive("--max-test-rows", maxTestRows);
    CommandFailure.requirePositive("--shuffles", shuffles);
    if (promotion && !outOfScope.isEmpty()) {
      throw CommandFailure.usage("--out-of-scope cannot be combined with --promotion");
    }
    options(List.of()); // refuses what makes no sense before the model is loaded
    List<Path> folders = folders("--task", tasks);
    List<Path> strange = outOfScope.isEmpty() ? List.of() : folders("--out-of-scope", outOfScope);
    BenchCommand.threads(threads);
    NativeMemory.keepFreed();
    EvaluationTable table = new EvaluationTable();
    PromotionTable promotions = new PromotionTable();
    boolean complete = true;
    long perTask = (long) shots.size() * seeds * (promotion ? 2 * (1 + shuffles) : methods.size());
    try (FewShotModel model =
            FewShotModel.open(choice.load(), ModelOptions.DEFAULT.withPrecision(precision));
        ProgressBar bar =
            new ProgressBar(
                console, "evaluating", ProgressBar.Unit.RUNS, folders.size() * perTask)) {
      FewShotEvaluation evaluation = new FewShotEvaluation(model);
      PromotionEvaluation judge = new PromotionEvaluation(model);
      for (int i = 0; i < folders.size(); i++) {
        try {
          TaskFolder folder = TaskFolder.open(folders.get(i));
          FewShotEvaluation.Options options = options(strangers(strange, folders.get(i)));
          Optional<String> unfit = FewShotEvaluation.unfit(folder);
          if (unfit.isPresent()) {
            skip(bar, folders.get(i), unfit.get());
          } else if (promotion) {
            judge.run(folder, options, shuffles, trial -> done(bar, promotions, trial));
          } else {
            evaluation.run(
                folder, options, run -> done(bar, table, run), sentence -> note(bar, sentence));
          }
        } catch (IOException | IllegalArgumentException e) {
          skip(bar, folders.get(i), Failures.sentence(e, console.verbose()));
          complete = false;
        }
        bar.at((i + 1) * perTask, folders.size() * perTask);
      }
    }
    if (!json) {
      (promotion ? promotions.lines() : table.lines()).forEach(console::print);
    }
    return complete ? ExitCodes.OK : ExitCodes.FAILURE;
  }

  private FewShotEvaluation.Options options(List<Example> strangers) {
    return new FewShotEvaluation.Options(
        shots,
        seeds,
        methods.stream()
            .filter(name -> !name.equals(FewShotEvaluation.LOGISTIC))
            .map(EvaluateCommand::method)
            .toList(),
        methods.contains(FewShotEvaluation.LOGISTIC),
        maxTestRows,
        without,
        strangers);
  }

  /** The first test rows of other folders. */
  private List<Example> strangers(List<Path> folders, Path own) throws IOException {
    List<Example> strangers = new ArrayList<>();
    for (Path folder : folders) {
      if (!folder.equals(own)) {
        TaskFolder.open(folder).read("test").stream().limit(maxTestRows).forEach(strangers::add);
      }
    }
    return strangers;
  }

  private void done(ProgressBar bar, EvaluationTable table, Run run) {
    if (json) {
      bar.clear();
      console.print(run.toJson());
    } else {
      table.add(run);
    }
    bar.advance(1);
  }

  private void done(ProgressBar bar, PromotionTable table, PromotionEvaluation.Trial trial) {
    if (json) {
      bar.clear();
      console.print(trial.toJson());
    } else {
      table.add(trial);
    }
    bar.advance(1);
  }

  /** Nothing is skipped that was asked for by name. */
  private void skip(ProgressBar bar, Path folder, String reason) {
    if (!tasks.contains(ALL)) {
      throw CommandFailure.failed(folder.getFileName() + ": " + reason);
    }
    note(bar, "skipping " + folder.getFileName() + ": " + reason);
  }

  private void note(ProgressBar bar, String sentence) {
    bar.clear();
    console.note(sentence);
  }

  /**
   * @param option that names tasks, for messages
   */
  private List<Path> folders(String option, List<String> names) throws IOException {
    if (!Files.isDirectory(data)) {
      throw CommandFailure.usage("--data: no such folder: " + data);
    }
    List<Path> known = new ArrayList<>();
    if (isTask(data)) {
      known.add(data.toRealPath());
    } else {
      try (Stream<Path> children = Files.list(data)) {
        children.filter(EvaluateCommand::isTask).sorted().forEach(known::add);
      }
    }
    if (known.isEmpty()) {
      throw CommandFailure.usage(
          "--data: neither " + data + " nor a folder directly below it has a task.json");
    }
    if (names.contains(ALL)) {
      return known;
    }
    List<Path> chosen = new ArrayList<>();
    for (String task : names) {
      chosen.add(
          known.stream()
              .filter(folder -> folder.getFileName().toString().equals(task))
              .findFirst()
              .orElseThrow(() -> unknown(option, task, known)));
    }
    return chosen;
  }

  private CommandFailure unknown(String option, String task, List<Path> known) {
    if (Files.isDirectory(data.resolve(task))) {
      return CommandFailure.usage(option + ": " + data.resolve(task) + " has no task.json");
    }
    return CommandFailure.usage(
        option
            + ": no task '"
            + task
            + "' below "
            + data
            + "; there are "
            + String.join(", ", known.stream().map(f -> f.getFileName().toString()).toList()));
  }

  private static boolean isTask(Path folder) {
    return Files.isRegularFile(folder.resolve("task.json"));
  }
}
