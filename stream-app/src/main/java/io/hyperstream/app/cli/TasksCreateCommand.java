package io.hyperstream.app.cli;

import io.hyperstream.app.streams.Sentences;
import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.schemas.TaskDefinition;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "create",
    mixinStandardHelpOptions = true,
    description = "Define tasks, or change those that are defined.",
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream tasks create -f tickets.yaml",
      "  Those that a T5 with a hypernetwork was trained on, all or some:",
      "    hyperstream tasks create --model starter-t5-mini --from-model",
      "    hyperstream tasks create --model starter-t5-mini --from-model clinc_banking pros_cons",
      "",
      "Definitions in a file are first tried with the model. With --model (name the one that is"
          + " served) what it can never answer is not sent; without, it is sent with a warning, and"
          + " `hyperstream tasks list` shows a moment later whether the application can serve it.",
      "",
      "A definition replaces the whole of the one before. What that drops is shown and asked about"
          + " first; examples of labels that are left out are set aside, and count again when a"
          + " definition has the label again.",
      "",
      "The fields of a definition are in `hyperstream tasks --help`. The default model reads 512"
          + " tokens of a text (`hyperstream model inspect` tells another's limit). A longer text is"
          + " cut and its prediction flagged (overLength: TRUNCATE, the default), answered with the"
          + " mean over windows of the whole text (WINDOWS), or a dead letter (REJECT)."
    })
final class TasksCreateCommand implements Callable<Integer> {
  private final Console console;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Mixin private ConnectionOptions connection;

  @Mixin private ModelChoice model;

  @Mixin private Confirmation confirmation;

  @ArgGroup(multiplicity = "1")
  private Source source;

  /** Where definitions come from. */
  private static final class Source {
    @Option(
        names = {"-f", "--file"},
        required = true,
        paramLabel = "FILE.yaml",
        description = "Definitions in YAML; - for standard input.")
    private String file;

    @Option(
        names = "--from-model",
        required = true,
        arity = "0..*",
        paramLabel = "TASK",
        description = "Tasks the model was trained on; none named: all of them.")
    private List<String> fromModel;
  }

  TasksCreateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    List<TaskDefinition> definitions =
        source.file != null ? fromFile(source.file) : fromModel(model.load());
    if (source.file != null) {
      check(definitions, model.load());
    }
    try (Connection cluster = connection.connect()) {
      TaskTopic topic = new TaskTopic(cluster, console);
      confirmation.require(console, losses(definitions, topic.read(), cluster));
      topic.create(definitions);
    }
    for (TaskDefinition definition : definitions) {
      console.note("defined " + definition.getTaskId());
    }
    return ExitCodes.OK;
  }

  /** What the default model cannot answer is only told: another one may be served. */
  private void check(List<TaskDefinition> definitions, StoredModel stored) throws IOException {
    boolean named = spec.commandLine().getParseResult().hasMatchedOption("--model");
    try (MultiTaskModel opened = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      for (TaskDefinition definition : definitions) {
        try {
          opened.check(Definitions.toModel(definition));
        } catch (InferenceException e) {
          String problem =
              "%s can never answer the task '%s': %s"
                  .formatted(stored.name(), definition.getTaskId(), e.getMessage());
          if (named) {
            throw CommandFailure.failed("nothing was sent, because " + problem);
          }
          console.note("warning: if it is served, " + Sentences.of(problem));
        }
      }
    }
  }

  private List<String> losses(
      List<TaskDefinition> definitions, Map<String, TaskDefinition> known, Connection cluster) {
    List<TaskDefinition> changed =
        definitions.stream().filter(after -> known.containsKey(after.getTaskId())).toList();
    boolean labels =
        changed.stream()
            .anyMatch(
                after -> !DefinitionLosses.labels(known.get(after.getTaskId()), after).isEmpty());
    Optional<LatestReports> kept =
        labels ? Optional.of(LatestReports.read(cluster, console)) : Optional.empty();
    List<String> losses = new ArrayList<>();
    for (TaskDefinition after : changed) {
      String taskId = after.getTaskId();
      losses.addAll(
          DefinitionLosses.of(
              known.get(taskId), after, kept.map(all -> all.of(taskId)).orElse(Map.of())));
    }
    return losses;
  }

  private List<TaskDefinition> fromModel(StoredModel stored) throws IOException {
    List<SourceTask> known = stored.sourceTasks();
    if (known.isEmpty()) {
      throw CommandFailure.failed(
          stored.name()
              + " was not trained on any task; define tasks in a file (-f FILE.yaml), or name a model"
              + " that was, such as --model "
              + StarterModel.NAME);
    }
    return fromModel(known, source.fromModel);
  }

  private List<TaskDefinition> fromFile(String file) throws IOException {
    try (InputStream in = InputOptions.open(console, file)) {
      return TaskYaml.read(file.equals("-") ? "(standard input)" : file, in);
    }
  }

  /**
   * @param names of the wanted ones; empty: all
   */
  static List<TaskDefinition> fromModel(List<SourceTask> known, List<String> names) {
    List<String> ids = known.stream().map(task -> task.definition().taskId()).toList();
    List<String> unknown = names.stream().filter(name -> !ids.contains(name)).toList();
    if (!unknown.isEmpty()) {
      throw CommandFailure.failed(
          "the model was not trained on " + String.join(", ", unknown) + "; it knows " + ids);
    }
    return known.stream()
        .filter(task -> names.isEmpty() || names.contains(task.definition().taskId()))
        .map(task -> Definitions.toRecord(task.definition()))
        .toList();
  }
}
