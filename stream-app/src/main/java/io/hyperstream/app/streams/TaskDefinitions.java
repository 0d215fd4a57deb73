package io.hyperstream.app.streams;

import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskLabel;
import java.util.Optional;

/** From the definition on its topic to the model's. */
public final class TaskDefinitions {
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
        written.getInitFrom());
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
   * Checks what becomes of texts that are too long.
   *
   * @throws IllegalArgumentException if the task's kind of answer cannot be given so
   */
  public static void checkOverLength(TaskDefinition written) {
    overLengthOf(written).requireFor(kindOf(written));
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
