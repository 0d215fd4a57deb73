package io.hyperstream.model.training;

import io.hyperstream.model.t5.LabelSpace;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One task's examples as token ids.
 *
 * @param task what it is; the id is the name of its adapters
 * @param metrics what it is measured by
 * @param train to learn from
 * @param validation to choose the best checkpoint by; may be empty
 * @param test what the chosen one is measured on; may be empty
 */
public record TaskData(
    TaskDefinition task, List<Metric> metrics, Rows train, Rows validation, Rows test) {

  public TaskData {
    metrics = List.copyOf(metrics);
  }

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

    /** The same for the same rows in the same order. */
    int fingerprint() {
      return 31 * Arrays.deepHashCode(inputs) + Arrays.deepHashCode(targets);
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
   * Reads the splits of a folder.
   *
   * @param maxSource longest input, end token included
   * @param maxEvaluation most rows of validation and of test, the first of them
   */
  public static TaskData read(
      TaskFolder folder, SentencePieceTokenizer tokenizer, int maxSource, int maxEvaluation)
      throws IOException {
    return new TaskData(
        folder.task(),
        folder.metrics(),
        rows(folder, "train", tokenizer, maxSource, Integer.MAX_VALUE),
        rows(folder, "validation", tokenizer, maxSource, maxEvaluation),
        rows(folder, "test", tokenizer, maxSource, maxEvaluation));
  }

  private static Rows rows(
      TaskFolder folder, String split, SentencePieceTokenizer tokenizer, int maxSource, int most)
      throws IOException {
    boolean training = split.equals("train");
    // No metric measures free text: such a task is learnt and not measured.
    boolean measured = folder.task().kind() != TaskKind.GENERATION && folder.has(split);
    List<Example> examples = training || measured ? folder.read(split) : List.of();
    examples = examples.subList(0, Math.min(examples.size(), most));
    return encode(folder.task(), examples, tokenizer, maxSource, folder.step());
  }

  /** The same with numbers to one decimal. */
  public static Rows encode(
      TaskDefinition task,
      List<Example> examples,
      SentencePieceTokenizer tokenizer,
      int maxSource) {
    return encode(task, examples, tokenizer, maxSource, 0);
  }

  /**
   * Renders and tokenises examples.
   *
   * @param step numbers are rounded to multiples of it; 0 for one decimal, as the published code
   * @throws IllegalArgumentException if a label is none of the task's, or a second text is missing
   */
  public static Rows encode(
      TaskDefinition task,
      List<Example> examples,
      SentencePieceTokenizer tokenizer,
      int maxSource,
      double step) {
    Map<String, Integer> labels = new HashMap<>();
    for (int i = 0; i < task.labels().size(); i++) {
      labels.put(task.labels().get(i).name(), i);
    }
    int n = examples.size();
    Rows rows = new Rows(inputs(task, examples, tokenizer, maxSource), new int[n][], new double[n]);
    for (int i = 0; i < n; i++) {
      Example example = examples.get(i);
      String target = target(task, example, labels, step);
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
      TaskDefinition task,
      List<Example> examples,
      SentencePieceTokenizer tokenizer,
      int maxSource) {
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

  /** What the decoder is to say: the verbalizer, or the number. */
  private static String target(
      TaskDefinition task, Example example, Map<String, Integer> labels, double step) {
    return switch (task.kind()) {
      case REGRESSION -> number(Double.parseDouble(example.label()), step > 0 ? step : 0.1);
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

  /** 3.37 in steps of 0.2 is 3.4; at least one decimal. */
  static String number(double value, double step) {
    BigDecimal unit = BigDecimal.valueOf(step).stripTrailingZeros();
    return BigDecimal.valueOf(value)
        .divide(unit, 0, RoundingMode.HALF_UP)
        .multiply(unit)
        .setScale(Math.max(1, unit.scale()), RoundingMode.UNNECESSARY)
        .toPlainString();
  }
}
