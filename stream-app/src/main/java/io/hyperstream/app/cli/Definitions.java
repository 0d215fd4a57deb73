package io.hyperstream.app.cli;

import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import io.hyperstream.schemas.TaskLabel;

/** Task definitions as the model knows them and as they travel. */
final class Definitions {
  private Definitions() {}

  /**
   * What the model will be asked to serve.
   *
   * @throws IllegalArgumentException if it cannot be served, saying why
   */
  static TaskDefinition toModel(io.hyperstream.schemas.TaskDefinition record) {
    return new TaskDefinition(
        record.getTaskId(),
        TaskKind.valueOf(record.getKind().name()),
        record.getLabels().stream()
            .map(
                label ->
                    new Label(
                        label.getName(),
                        label.getVerbalizer() == null ? label.getName() : label.getVerbalizer()))
            .toList(),
        new Template(record.getTemplate()),
        new Template(record.getTemplatePair()),
        record.getDescription(),
        OverLengthPolicy.valueOf(record.getOverLength().name()),
        LabelScoring.valueOf(record.getScoring().name()),
        record.getInitFrom());
  }

  static io.hyperstream.schemas.TaskDefinition toRecord(TaskDefinition definition) {
    return io.hyperstream.schemas.TaskDefinition.newBuilder()
        .setTaskId(definition.taskId())
        .setKind(io.hyperstream.schemas.TaskKind.valueOf(definition.kind().name()))
        .setLabels(
            definition.labels().stream()
                .map(
                    label ->
                        TaskLabel.newBuilder()
                            .setName(label.name())
                            .setVerbalizer(
                                label.verbalizer().equals(label.name()) ? null : label.verbalizer())
                            .build())
                .toList())
        .setTemplate(definition.template().pattern())
        .setTemplatePair(definition.templatePair().pattern())
        .setDescription(definition.description())
        .setOverLength(
            io.hyperstream.schemas.OverLengthPolicy.valueOf(definition.overLength().name()))
        .setScoring(io.hyperstream.schemas.LabelScoring.valueOf(definition.scoring().name()))
        .setInitFrom(definition.initFrom())
        .build();
  }
}
