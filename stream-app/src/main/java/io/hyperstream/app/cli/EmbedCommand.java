package io.hyperstream.app.cli;

import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.task.NearNames;
import io.hyperstream.model.task.TaskDefinition;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "embed",
    mixinStandardHelpOptions = true,
    description = {
      "Print the model's vectors of texts, of length 1: to see what it makes of them, and to check"
          + " it against other programs.",
      "",
      "An encoder's vector is pooled as it was trained; a T5's is the mean of its encoder's states."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream embed --text 'where is my parcel?'",
      "    hyperstream embed --json questions.txt > vectors.jsonl",
      "    hyperstream embed --model starter-t5-mini --task pros_cons --text 'bright screen'",
      "",
      "With --json one object per text, in the order of the input: {text, tokens, truncated,"
          + " vector}. Input formats are those of `hyperstream produce`; only the text counts. A text"
          + " without visible characters has an error instead of a vector, and the exit code is 1."
    })
final class EmbedCommand implements Callable<Integer> {
  private static final int SHOWN = 6;

  private final Console console;

  @Option(
      names = {"-t", "--task"},
      paramLabel = "TASK",
      description =
          "Through the adapters that the model knows this task by (`hyperstream model inspect`).")
  private String task;

  @Mixin private TextSource source;

  @Option(names = "--json", description = "One JSON object per text, with the whole vector.")
  private boolean json;

  @Mixin private ModelChoice model;

  private long failed;

  EmbedCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    try (MultiTaskModel opened = MultiTaskModel.open(model.load(), ModelOptions.DEFAULT)) {
      TaskDefinition definition = definition(opened);
      source.read(
          console,
          Optional.empty(),
          "embedding",
          rows -> embed(opened, definition, rows.stream().map(InputRow::text).toList()));
    }
    return failed == 0 ? ExitCodes.OK : ExitCodes.FAILURE;
  }

  /** A task of any labels: only whose adapters it starts from counts. */
  private TaskDefinition definition(MultiTaskModel opened) {
    if (task != null) {
      List<String> known =
          opened.loaded().adapters().map(factory -> factory.config().tasks()).orElse(List.of());
      if (!known.contains(task)) {
        throw CommandFailure.failed(
            known.isEmpty()
                ? "--task: this model has no adapters of any task; leave it out"
                : "--task: the model knows no task '"
                    + task
                    + "'"
                    + NearNames.hint(task, known, "; it knows " + known));
      }
    }
    return TaskDefinition.classification(task == null ? "embed" : task, List.of("yes", "no"));
  }

  private void embed(MultiTaskModel opened, TaskDefinition definition, List<String> texts) {
    List<Optional<PreparedRow>> rows = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    for (String text : texts) {
      try {
        rows.add(
            Optional.of(
                opened.prepare(
                    definition, opened.startingAdapter(definition), text, Optional.empty())));
        reasons.add("");
      } catch (InferenceException e) {
        rows.add(Optional.empty());
        reasons.add(e.getMessage());
      }
    }
    List<PreparedRow> usable = rows.stream().flatMap(Optional::stream).toList();
    float[][] vectors = usable.isEmpty() ? new float[0][] : opened.embed(usable);
    int next = 0;
    for (int i = 0; i < texts.size(); i++) {
      if (rows.get(i).isPresent()) {
        print(texts.get(i), rows.get(i).get(), vectors[next++]);
      } else {
        fail(texts.get(i), reasons.get(i));
      }
    }
  }

  private void print(String text, PreparedRow row, float[] vector) {
    if (json) {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("text", text);
      map.put("tokens", row.tokens());
      map.put("truncated", row.input().truncated());
      map.put("vector", vector);
      console.printJson(map);
      return;
    }
    StringBuilder numbers = new StringBuilder();
    for (int i = 0; i < Math.min(SHOWN, vector.length); i++) {
      numbers.append(String.format(Locale.ROOT, "%8.4f", vector[i]));
    }
    console.print(
        String.format(
            Locale.ROOT,
            "%4d tokens%s  %s .. (%d)  %s",
            row.tokens(),
            row.input().truncated() ? ", cut" : "",
            numbers,
            vector.length,
            Rendering.oneLine(text)));
  }

  private void fail(String text, String reason) {
    failed++;
    if (json) {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("text", text);
      map.put("error", reason);
      console.printJson(map);
    } else {
      console.note(reason);
    }
  }
}
