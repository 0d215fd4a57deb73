package io.hyperstream.app.streams;

import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.NearNames;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskLabel;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** From the definition on its topic to the model's. */
public final class TaskDefinitions {
  /** With what the reason of a report begins that says so; the reason itself follows. */
  public static final String NOT_SERVED = "The task cannot be served: ";

  private static final int LABELS_NAMED = 20;

  private TaskDefinitions() {}

  /**
   * The definition as the model takes it.
   *
   * @throws IllegalArgumentException if it cannot be served, saying why
   */
  public static io.hyperstream.model.task.TaskDefinition modelOf(TaskDefinition written) {
    return new io.hyperstream.model.task.TaskDefinition(
        written.getTaskId(),
        kindOf(written),
        written.getLabels().stream().map(TaskDefinitions::modelOf).toList(),
        new Template(written.getTemplate()),
        new Template(written.getTemplatePair()),
        written.getDescription(),
        overLengthOf(written),
        switch (written.getScoring()) {
          case EXACT -> LabelScoring.EXACT;
          case TRIE_BEAM -> LabelScoring.TRIE_BEAM;
        },
        written.getInitFrom(),
        written.getAbstainBelow());
  }

  /**
   * Checks what a record of the definitions' topic says.
   *
   * @param taskId the record's key
   * @return the definition as the model takes it
   * @throws IllegalArgumentException if it cannot be served, saying why
   */
  public static io.hyperstream.model.task.TaskDefinition check(
      String taskId, TaskDefinition written) {
    io.hyperstream.model.task.TaskDefinition.checkTaskId(taskId);
    if (!taskId.equals(written.getTaskId())) {
      throw new IllegalArgumentException(
          "the record's key is '" + taskId + "', its taskId '" + written.getTaskId() + "'");
    }
    return modelOf(written);
  }

  /**
   * Checks what happens to texts that are too long.
   *
   * @throws IllegalArgumentException if the task's kind of answer cannot be given so
   */
  public static void checkOverLength(TaskDefinition written) {
    overLengthOf(written).requireFor(kindOf(written));
  }

  /**
   * Checks below which score the task abstains.
   *
   * @throws IllegalArgumentException saying what it may be
   */
  public static void checkAbstainBelow(TaskDefinition written) {
    io.hyperstream.model.task.TaskDefinition.checkAbstainBelow(
        kindOf(written), written.getAbstainBelow());
  }

  /** Why a task cannot learn from labelled examples; empty if it can. */
  public static Optional<String> cannotLearn(io.hyperstream.model.task.TaskDefinition task) {
    return task.kind() == TaskKind.CLASSIFICATION
        ? Optional.empty()
        : Optional.of(
            "the task '"
                + task.taskId()
                + "' is of kind "
                + task.kind()
                + ", and only CLASSIFICATION learns from examples");
  }

  /**
   * Why a labelled text would be refused; empty if it would not.
   *
   * @param pair whether there is a second text, or might be: an earlier request is named
   * @param label the right one; null: an earlier label is taken back
   */
  public static Optional<String> cannotLearn(
      io.hyperstream.model.task.TaskDefinition task, boolean pair, String label) {
    Optional<String> never = cannotLearn(task);
    if (never.isPresent()) {
      return never;
    }
    if (!pair && task.template().needsPair()) {
      return Optional.of(
          "the task '" + task.taskId() + "' needs a pair of texts; send textPair too");
    }
    List<String> names = task.labels().stream().map(Label::name).toList();
    return label == null || names.contains(Label.canonical(label))
        ? Optional.empty()
        : Optional.of(
            "the task '"
                + task.taskId()
                + "' has no label '"
                + label
                + "'"
                + NearNames.hint(
                    label,
                    names,
                    "; its labels are "
                        + names.stream().limit(LABELS_NAMED).collect(Collectors.joining(", "))
                        + (names.size() > LABELS_NAMED
                            ? " and " + (names.size() - LABELS_NAMED) + " more"
                            : "")));
  }

  private static TaskKind kindOf(TaskDefinition written) {
    return switch (written.getKind()) {
      case CLASSIFICATION -> TaskKind.CLASSIFICATION;
      case REGRESSION -> TaskKind.REGRESSION;
      case GENERATION -> TaskKind.GENERATION;
      case UNKNOWN ->
          throw new IllegalArgumentException(
              "its kind is one this version does not know; update the application");
    };
  }

  private static OverLengthPolicy overLengthOf(TaskDefinition written) {
    return switch (written.getOverLength()) {
      case TRUNCATE -> OverLengthPolicy.TRUNCATE;
      case REJECT -> OverLengthPolicy.REJECT;
      case WINDOWS -> OverLengthPolicy.WINDOWS;
    };
  }

  private static Label modelOf(TaskLabel label) {
    return Label.of(
        label.getName(),
        Optional.ofNullable(label.getVerbalizer()),
        Optional.ofNullable(label.getDescription()));
  }
}
