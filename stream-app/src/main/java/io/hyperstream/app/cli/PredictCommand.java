package io.hyperstream.app.cli;

import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.inference.Explanation;
import io.hyperstream.model.inference.Explanation.Effect;
import io.hyperstream.model.inference.Explanation.Variant;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.RowFailure;
import io.hyperstream.model.inference.RowResult;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.NearNames;
import io.hyperstream.model.task.TaskDefinition;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The model on texts, without Kafka. */
@Command(
    name = "predict",
    mixinStandardHelpOptions = true,
    description =
        "Predict with the model directly, without Kafka: one text, or a file of any size.",
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream predict --labels positive,negative --text 'the battery lasts for days'",
      "    hyperstream predict --definitions tickets.yaml --task ticket-intent --text 'where is"
          + " it?'",
      "    hyperstream predict --labels positive,negative --explain --text 'slow, but it works'",
      "    hyperstream predict --definitions tickets.yaml --task ticket-intent --json"
          + " questions.txt",
      "  With a model that was trained on tasks of its own:",
      "    hyperstream predict --model starter-t5-mini --task pros_cons --text 'bright screen'",
      "    hyperstream predict --model starter-t5-mini --task mams_acsa --text food \\",
      "      --text-pair 'Great soup, rude waiter.'",
      "",
      "Tasks are those the model was trained on (`hyperstream model inspect`) and those of"
          + " --definitions. Input formats are those of `hyperstream produce`."
    })
final class PredictCommand implements Callable<Integer> {
  /** The task that {@code --labels} stands for. */
  private static final String ASKED = "labels";

  private final Console console;

  @Option(
      names = {"-t", "--task"},
      paramLabel = "TASK",
      description = "The task of rows that do not name one.")
  private String task;

  @Mixin private TextSource source;

  @Option(names = "--text-pair", description = "With --text: the second text of a pair.")
  private String textPair;

  @Option(
      names = "--definitions",
      paramLabel = "FILE.yaml",
      description = "Further tasks, as for `hyperstream tasks create`.")
  private Path definitions;

  @Option(
      names = "--labels",
      split = ",",
      paramLabel = "LABEL",
      description =
          "Instead of a task: the labels to choose from. The model knows only their names.")
  private List<String> labels = List.of();

  @Option(
      names = "--explain",
      description =
          "Say which words spoke for each label: by how much its probability falls without them."
              + " Takes the time of up to 32 further answers per text.")
  private boolean explain;

  @Option(names = "--json", description = "One JSON object per text, with the distribution.")
  private boolean json;

  @Mixin private ModelChoice model;

  private long failed;

  PredictCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (textPair != null && source.text() == null) {
      throw CommandFailure.usage("--text-pair goes with --text; in files the pair is a column");
    }
    if (!labels.isEmpty() && task != null) {
      throw CommandFailure.usage("--labels stands instead of --task");
    }
    if (!labels.isEmpty()) {
      task = ASKED;
    }
    if (source.text() != null && task == null) {
      throw CommandFailure.usage("--text needs --task or --labels");
    }
    StoredModel stored = model.load();
    Map<String, TaskDefinition> tasks = tasks(stored);
    if (!labels.isEmpty()) {
      tasks.put(ASKED, asked());
    }
    if (task != null) {
      find(tasks, task);
    }
    try (MultiTaskModel predictor = MultiTaskModel.open(stored, ModelOptions.DEFAULT)) {
      source.read(
          console,
          Optional.ofNullable(textPair),
          "predicting",
          rows -> answer(predictor, tasks, rows));
    }
    return failed == 0 ? ExitCodes.OK : ExitCodes.FAILURE;
  }

  private TaskDefinition asked() {
    try {
      return TaskDefinition.classification(ASKED, labels.stream().map(String::strip).toList());
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage("--labels: " + e.getMessage());
    }
  }

  private Map<String, TaskDefinition> tasks(StoredModel stored) throws IOException {
    Map<String, TaskDefinition> tasks = new LinkedHashMap<>();
    for (SourceTask known : stored.sourceTasks()) {
      tasks.put(known.definition().taskId(), known.definition());
    }
    if (definitions != null) {
      try (InputStream in = Files.newInputStream(definitions)) {
        TaskYaml.read(definitions.toString(), in)
            .forEach(record -> tasks.put(record.getTaskId(), Definitions.toModel(record)));
      }
    }
    return tasks;
  }

  private static TaskDefinition find(Map<String, TaskDefinition> tasks, String taskId) {
    TaskDefinition found = tasks.get(taskId);
    if (found == null) {
      throw CommandFailure.failed(
          "the model knows no task '"
              + taskId
              + "'"
              + NearNames.hint(taskId, tasks.keySet(), "")
              + (tasks.isEmpty()
                  ? "; it was not trained on any. --definitions FILE.yaml says what a task is, and"
                      + " --model starter-t5-mini has some of its own"
                  : "; it knows "
                      + String.join(", ", tasks.keySet())
                      + ". --definitions FILE.yaml adds others"));
    }
    return found;
  }

  /** Answers in the rows' order; a row that cannot be answered says why in its place. */
  private void answer(
      MultiTaskModel predictor, Map<String, TaskDefinition> tasks, List<InputRow> rows) {
    List<PreparedRow> prepared = new ArrayList<>();
    List<RowResult> results = new ArrayList<>();
    for (InputRow row : rows) {
      TaskDefinition definition = definitionOf(tasks, row);
      try {
        prepared.add(
            predictor.prepare(
                definition, predictor.startingAdapter(definition), row.text(), row.textPair()));
        results.add(null); // answered below
      } catch (InferenceException e) {
        String why =
            e.code() == InferenceException.Code.INVALID_TASK
                ? "task '" + definition.taskId() + "' cannot be served: " + e.getMessage()
                : e.getMessage();
        results.add(new RowFailure(e.code(), why));
      }
    }
    List<RowResult> answers = prepared.isEmpty() ? List.of() : predictor.predict(prepared);
    int next = 0;
    for (int i = 0; i < rows.size(); i++) {
      RowResult result = results.get(i) == null ? answers.get(next++) : results.get(i);
      TaskDefinition definition = definitionOf(tasks, rows.get(i));
      print(rows.get(i), definition, result, explain(predictor, definition, rows.get(i), result));
    }
  }

  /** What each word counted, if that is asked for and there are labels; else empty. */
  private Optional<List<Effect>> explain(
      MultiTaskModel predictor, TaskDefinition definition, InputRow row, RowResult result) {
    if (!explain
        || !(result instanceof TaskPrediction prediction)
        || prediction.distribution().length == 0) {
      return Optional.empty();
    }
    List<Variant> variants = Explanation.variants(row.text(), row.textPair());
    List<PreparedRow> prepared = new ArrayList<>();
    List<Variant> asked = new ArrayList<>();
    for (Variant variant : variants) {
      try {
        prepared.add(
            predictor.prepare(
                definition,
                predictor.startingAdapter(definition),
                variant.text(),
                variant.textPair()));
        asked.add(variant);
      } catch (InferenceException e) {
        // Without this word there is nothing to ask about.
      }
    }
    List<RowResult> answers = prepared.isEmpty() ? List.of() : predictor.predict(prepared);
    return Optional.of(
        Explanation.effects(
            probabilities(prediction),
            asked,
            answers.stream()
                .map(
                    answer ->
                        answer instanceof TaskPrediction other
                            ? Optional.of(probabilities(other))
                            : Optional.<List<Float>>empty())
                .toList()));
  }

  private static List<Float> probabilities(TaskPrediction prediction) {
    List<Float> out = new ArrayList<>();
    for (float probability : prediction.distribution()) {
      out.add(probability);
    }
    return out;
  }

  private TaskDefinition definitionOf(Map<String, TaskDefinition> tasks, InputRow row) {
    try {
      return find(tasks, row.taskOr(Optional.ofNullable(task)));
    } catch (InputRow.BadRowException e) {
      throw CommandFailure.usage(e.getMessage());
    }
  }

  private void print(
      InputRow row,
      TaskDefinition definition,
      RowResult result,
      Optional<List<Effect>> explanation) {
    if (result instanceof RowFailure) {
      failed++;
    }
    if (json) {
      Map<String, Object> map = PredictionRendering.toMap(row, definition, result);
      explanation.ifPresent(effects -> map.put("explanation", effects));
      console.printJson(map);
    } else if (result instanceof TaskPrediction prediction) {
      console.print(PredictionRendering.line(row, definition, prediction));
      explanation.ifPresent(effects -> console.print(PredictionRendering.line(effects)));
    } else if (result instanceof RowFailure failure) {
      console.note(row.where() + ": " + failure.code() + ": " + failure.message());
    }
  }
}
