package io.hyperstream.model.task;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a task is, without any weights. Immutable and validated: an instance is always servable.
 * Reasons why one is not do not name the task; whoever passes them on does.
 *
 * @param taskId the name requests are tagged with, {@link #TASK_ID}
 * @param kind what its predictions are
 * @param labels the classes of a CLASSIFICATION task (2 to {@value #MAX_LABELS}); empty otherwise
 * @param template the input for a single text, with the place holder {@code {text}}; it may itself
 *     need {@code {textPair}}
 * @param templatePair the input for a pair, with {@code {text}} and {@code {textPair}}
 * @param description for people
 * @param overLength what happens to a text that is too long
 * @param scoring how labels are scored
 * @param initFrom source tasks whose embeddings (their mean) serve until a version is published;
 *     empty: the task of the same name, otherwise the generic embedding or, without one, the mean
 *     of all
 * @param abstainBelow a classification whose score is below it has no label, 0 to 1; 0: it always
 *     has one
 */
public record TaskDefinition(
    String taskId,
    TaskKind kind,
    List<Label> labels,
    Template template,
    Template templatePair,
    String description,
    OverLengthPolicy overLength,
    LabelScoring scoring,
    List<String> initFrom,
    double abstainBelow) {

  public static final int MAX_LABELS = 1024;

  /** The form of a task id. The two that mean folders in a path of a URL or a file are none. */
  public static final String TASK_ID = "(?!\\.{1,2}$)[A-Za-z0-9._-]{1,128}";

  /** The form of a task id, to be read behind "it is". */
  public static final String TASK_ID_IN_WORDS =
      "1 to 128 characters of A-Z a-z 0-9 . _ -, and not . or .. alone, which no path can carry";

  public TaskDefinition {
    checkTaskId(taskId);
    labels = List.copyOf(labels);
    initFrom = List.copyOf(initFrom);
    if (kind == TaskKind.CLASSIFICATION) {
      if (labels.size() < 2 || labels.size() > MAX_LABELS) {
        throw new IllegalArgumentException(
            "CLASSIFICATION needs 2 to " + MAX_LABELS + " labels; it has " + labels.size());
      }
    } else if (!labels.isEmpty()) {
      throw new IllegalArgumentException(
          "it is of kind " + kind + " and takes no labels; it has " + labels.size());
    }
    overLength.requireFor(kind);
    checkAbstainBelow(kind, abstainBelow);
    Set<String> names = new HashSet<>();
    Set<String> verbalizers = new HashSet<>();
    for (Label label : labels) {
      if (!names.add(label.name())) {
        throw new IllegalArgumentException("it names the label '" + label.name() + "' twice");
      }
      if (!verbalizers.add(label.verbalizer())) {
        throw new IllegalArgumentException(
            "it gives two labels the verbalizer '" + label.verbalizer() + "'");
      }
    }
  }

  /** A task that always answers. */
  public TaskDefinition(
      String taskId,
      TaskKind kind,
      List<Label> labels,
      Template template,
      Template templatePair,
      String description,
      OverLengthPolicy overLength,
      LabelScoring scoring,
      List<String> initFrom) {
    this(
        taskId,
        kind,
        labels,
        template,
        templatePair,
        description,
        overLength,
        scoring,
        initFrom,
        0);
  }

  /** Checks a threshold and says what is wrong with it. */
  public static void checkAbstainBelow(TaskKind kind, double abstainBelow) {
    if (!(abstainBelow >= 0 && abstainBelow <= 1)) {
      throw new IllegalArgumentException(
          "abstainBelow is a score from 0 (always answer) to 1; got " + abstainBelow);
    }
    if (abstainBelow > 0 && kind != TaskKind.CLASSIFICATION) {
      throw new IllegalArgumentException(
          "abstainBelow is for CLASSIFICATION; a task of kind " + kind + " always answers");
    }
  }

  /** Checks a task id and says what is wrong with it. */
  public static void checkTaskId(String taskId) {
    if (taskId == null || !taskId.matches(TASK_ID)) {
      throw new IllegalArgumentException(
          "a task id is " + TASK_ID_IN_WORDS + "; got '" + taskId + "'");
    }
  }

  /** Why a classification of this score has no label, in a few words; empty if it has one. */
  public Optional<String> abstains(float score) {
    return score < (float) abstainBelow
        ? Optional.of(
            "score %s < %s"
                .formatted(
                    new BigDecimal(score).setScale(2, RoundingMode.DOWN).toPlainString(),
                    BigDecimal.valueOf(abstainBelow).toPlainString()))
        : Optional.empty();
  }

  /** The template of a single text or of a pair. */
  public Template templateOf(boolean pair) {
    return pair && !template.needsPair() ? templatePair : template;
  }

  /** A classification task with default template and policies. */
  public static TaskDefinition classification(String taskId, List<String> labels) {
    return new TaskDefinition(
        taskId,
        TaskKind.CLASSIFICATION,
        labels.stream().map(Label::of).toList(),
        Template.SINGLE,
        Template.PAIR,
        "",
        OverLengthPolicy.TRUNCATE,
        LabelScoring.EXACT,
        List.of());
  }
}
