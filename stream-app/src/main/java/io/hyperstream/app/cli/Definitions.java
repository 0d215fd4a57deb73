package io.hyperstream.app.cli;

import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.model.task.TaskDefinition;
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
    return TaskDefinitions.modelOf(record);
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
                            .setVerbalizer(label.ownVerbalizer().orElse(null))
                            .setDescription(label.description().orElse(null))
                            .build())
                .toList())
        .setTemplate(definition.template().pattern())
        .setTemplatePair(definition.templatePair().pattern())
        .setDescription(definition.description())
        .setOverLength(
            io.hyperstream.schemas.OverLengthPolicy.valueOf(definition.overLength().name()))
        .setScoring(io.hyperstream.schemas.LabelScoring.valueOf(definition.scoring().name()))
        .setInitFrom(definition.initFrom())
        .setAbstainBelow(definition.abstainBelow())
        .build();
  }
}
