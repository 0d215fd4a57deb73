package io.hyperstream.model.training;

import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.readout.RowEncoder;
import io.hyperstream.model.t5.LabelSpace;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
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
   * Token ids of examples, special tokens included.
   *
   * @param targets what the decoder is to say; for a model without one, the label's index
   * @param references label indices, or numbers for regression
   */
  public record Rows(List<TokenSequence> inputs, int[][] targets, double[] references) {
    public Rows {
      inputs = List.copyOf(inputs);
    }

    public int size() {
      return inputs.size();
    }

    /** [rows][..] token ids of the inputs. */
    int[][] ids() {
      return inputs.stream().map(TokenSequence::ids).toArray(int[][]::new);
    }

    /** The same for the same rows in the same order. */
    int fingerprint() {
      return 31 * Arrays.deepHashCode(ids()) + Arrays.deepHashCode(targets);
    }

    int[] labels() {
      int[] labels = new int[references.length];
      for (int i = 0; i < labels.length; i++) {
        labels[i] = (int) references[i];
      }
      return labels;
    }
  }

  /** Makes rows of a task's examples. */
  interface Encoder {
    Rows rows(List<Example> examples);
  }

  /**
   * Reads the splits of a folder for a T5.
   *
   * @param maxSource longest input, end token included
   * @param maxEvaluation most rows of validation and of test, the first of them
   */
  public static TaskData read(
      TaskFolder folder, SentencePieceTokenizer tokenizer, int maxSource, int maxEvaluation)
      throws IOException {
    return read(
        folder,
        examples -> encode(folder.task(), examples, tokenizer, maxSource, folder.step()),
        maxEvaluation);
  }

  /** The same for any model. */
  static TaskData read(TaskFolder folder, Encoder encoder, int maxEvaluation) throws IOException {
    return new TaskData(
        folder.task(),
        folder.metrics(),
        rows(folder, "train", encoder, Integer.MAX_VALUE),
        rows(folder, "validation", encoder, maxEvaluation),
        rows(folder, "test", encoder, maxEvaluation));
  }

  private static Rows rows(TaskFolder folder, String split, Encoder encoder, int most)
      throws IOException {
    boolean training = split.equals("train");
    // No metric measures free text: such a task is learnt and not measured.
    boolean measured = folder.task().kind() != TaskKind.GENERATION && folder.has(split);
    List<Example> examples = training || measured ? folder.read(split) : List.of();
    return encoder.rows(examples.subList(0, Math.min(examples.size(), most)));
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
   * Renders and tokenises examples for a T5.
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
    Map<String, Integer> labels = places(task);
    List<TokenSequence> inputs = new ArrayList<>();
    int[][] targets = new int[examples.size()][];
    double[] references = new double[targets.length];
    for (int i = 0; i < targets.length; i++) {
      Example example = examples.get(i);
      String input =
          template(task, example, i).render(example.text(), example.textPair().orElse(""));
      inputs.add(new TokenSequence(tokenizer.encode(input, maxSource).ids()));
      String target = target(task, example, labels, step);
      targets[i] = tokenizer.encode(target, LabelSpace.MAX_LABEL_TOKENS).ids();
      references[i] =
          task.kind() == TaskKind.REGRESSION
              ? Double.parseDouble(example.label())
              : labels.getOrDefault(example.label(), 0);
    }
    return new Rows(inputs, targets, references);
  }

  /**
   * Tokenises examples for a model that compares texts with labels. It learns from one sequence of
   * a row: of a pair the one with both texts, of a text in windows the first.
   *
   * @throws IllegalArgumentException if a label is none of the task's, or a second text is missing
   */
  static Rows encode(TaskDefinition task, List<Example> examples, RowEncoder encoder) {
    Map<String, Integer> labels = places(task);
    List<TokenSequence> inputs = new ArrayList<>();
    int[][] targets = new int[examples.size()][];
    double[] references = new double[targets.length];
    for (int i = 0; i < targets.length; i++) {
      Example example = examples.get(i);
      template(task, example, i);
      var parts = encoder.encode(task, example.text(), example.textPair()).parts();
      inputs.add(parts.get(parts.size() - 1).get(0));
      int label = place(task, example, labels);
      targets[i] = new int[] {label};
      references[i] = label;
    }
    return new Rows(inputs, targets, references);
  }

  /** What an example is put into; it must have the texts for it. */
  private static Template template(TaskDefinition task, Example example, int place) {
    Template template = task.templateOf(example.textPair().isPresent());
    if (template.needsPair() && example.textPair().isEmpty()) {
      throw new IllegalArgumentException(
          "task '" + task.taskId() + "' compares two texts; example " + (place + 1) + " has one");
    }
    return template;
  }

  private static Map<String, Integer> places(TaskDefinition task) {
    Map<String, Integer> labels = new HashMap<>();
    for (int i = 0; i < task.labels().size(); i++) {
      labels.put(task.labels().get(i).name(), i);
    }
    return labels;
  }

  private static int place(TaskDefinition task, Example example, Map<String, Integer> labels) {
    Integer index = labels.get(example.label());
    if (index == null) {
      throw new IllegalArgumentException(
          "'" + example.label() + "' is none of the labels of task '" + task.taskId() + "'");
    }
    return index;
  }

  /** What the decoder is to say: the verbalizer, or the number. */
  private static String target(
      TaskDefinition task, Example example, Map<String, Integer> labels, double step) {
    return switch (task.kind()) {
      case REGRESSION -> number(Double.parseDouble(example.label()), step > 0 ? step : 0.1);
      case GENERATION -> example.label();
      case CLASSIFICATION -> task.labels().get(place(task, example, labels)).verbalizer();
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
