package io.hyperstream.model.training;

import io.hyperstream.model.task.LabelSpace;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import io.hyperstream.model.task.Tokenizer;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One task's examples as token ids.
 *
 * @param task what it is; the id is the name of its adapters
 * @param train to learn from
 * @param validation to choose the best checkpoint by; may be empty
 */
public record TaskData(TaskDefinition task, Metric metric, Rows train, Rows validation) {

  /**
   * Token ids of examples, end token included.
   *
   * @param targets what the decoder is to say
   * @param references label indices, or numbers for regression
   */
  public record Rows(int[][] inputs, int[][] targets, double[] references) {
    public int size() {
      return inputs.length;
    }

    int[] labels() {
      int[] labels = new int[references.length];
      for (int i = 0; i < labels.length; i++) {
        labels[i] = (int) references[i];
      }
      return labels;
    }
  }

  /**
   * Reads the train and validation splits of a folder.
   *
   * @param maxSource longest input, end token included
   * @param maxValidation most validation rows, the first of them
   */
  public static TaskData read(
      TaskFolder folder, Tokenizer tokenizer, int maxSource, int maxValidation) throws IOException {
    List<Example> validation = folder.has("validation") ? folder.read("validation") : List.of();
    validation = validation.subList(0, Math.min(validation.size(), maxValidation));
    return new TaskData(
        folder.task(),
        folder.metric(),
        encode(folder.task(), folder.read("train"), tokenizer, maxSource),
        encode(folder.task(), validation, tokenizer, maxSource));
  }

  /**
   * Renders and tokenises examples.
   *
   * @throws IllegalArgumentException if a label is none of the task's, or a second text is missing
   */
  public static Rows encode(
      TaskDefinition task, List<Example> examples, Tokenizer tokenizer, int maxSource) {
    Map<String, Integer> labels = new HashMap<>();
    for (int i = 0; i < task.labels().size(); i++) {
      labels.put(task.labels().get(i).name(), i);
    }
    int n = examples.size();
    Rows rows = new Rows(inputs(task, examples, tokenizer, maxSource), new int[n][], new double[n]);
    for (int i = 0; i < n; i++) {
      Example example = examples.get(i);
      String target = target(task, example, labels);
      rows.targets[i] = tokenizer.encode(target, LabelSpace.MAX_LABEL_TOKENS).ids();
      rows.references[i] =
          task.kind() == TaskKind.REGRESSION
              ? Double.parseDouble(example.label())
              : labels.getOrDefault(example.label(), 0);
    }
    return rows;
  }

  /**
   * Renders and tokenises the texts alone; what their labels are does not matter.
   *
   * @throws IllegalArgumentException if a second text is missing
   */
  static int[][] inputs(
      TaskDefinition task, List<Example> examples, Tokenizer tokenizer, int maxSource) {
    int[][] inputs = new int[examples.size()][];
    for (int i = 0; i < inputs.length; i++) {
      Example example = examples.get(i);
      Template template = task.template();
      if (example.textPair().isPresent() && !template.needsPair()) {
        template = task.templatePair();
      }
      if (template.needsPair() && example.textPair().isEmpty()) {
        throw new IllegalArgumentException(
            "task '" + task.taskId() + "' compares two texts; example " + (i + 1) + " has one");
      }
      String input = template.render(example.text(), example.textPair().orElse(""));
      inputs[i] = tokenizer.encode(input, maxSource).ids();
    }
    return inputs;
  }

  /** What the decoder is to say: the verbalizer, or the number to one decimal as in the paper. */
  private static String target(TaskDefinition task, Example example, Map<String, Integer> labels) {
    return switch (task.kind()) {
      case REGRESSION -> String.format(Locale.ROOT, "%.1f", Double.parseDouble(example.label()));
      case GENERATION -> example.label();
      case CLASSIFICATION -> {
        Integer index = labels.get(example.label());
        if (index == null) {
          throw new IllegalArgumentException(
              "'" + example.label() + "' is none of the labels of task '" + task.taskId() + "'");
        }
        yield task.labels().get(index).verbalizer();
      }
    };
  }
}
