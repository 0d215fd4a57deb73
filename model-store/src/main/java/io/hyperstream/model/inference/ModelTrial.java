package io.hyperstream.model.inference;

import ai.djl.Device;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.task.TaskDefinition;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Opens a model as serving does and answers one row, so that what cannot be served is not stored.
 */
final class ModelTrial {
  private static final String TASK = "import-trial";

  private ModelTrial() {}

  static void run(Path backbone, Optional<Path> hypernetwork, ModelCard card) throws IOException {
    ModelOptions options = ModelOptions.DEFAULT;
    try {
      LoadedModel loaded =
          LoadedModel.open(
              backbone, hypernetwork, Optional.of(Device.cpu()), options.readouts(card));
      try (MultiTaskModel model = MultiTaskModel.of(TASK, loaded, options)) {
        answerOne(model, loaded, backbone);
      }
    } catch (CheckpointException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static void answerOne(MultiTaskModel model, LoadedModel loaded, Path backbone)
      throws IOException {
    TaskDefinition task = TaskDefinition.classification(TASK, List.of("good", "bad"));
    PreparedRow row =
        model.prepare(task, adapter(model, loaded, task), "This is a good day.", Optional.empty());
    if (model.predict(List.of(row)).get(0) instanceof RowFailure failure) {
      throw new IOException("%s does not answer a row: %s".formatted(backbone, failure.message()));
    }
  }

  private static TaskAdapter adapter(
      MultiTaskModel model, LoadedModel loaded, TaskDefinition task) {
    List<String> known =
        loaded.adapters().map(AdapterFactory::config).map(c -> c.tasks()).orElse(List.of());
    return model.startingAdapter(task).form() instanceof AdapterForm.None && !known.isEmpty()
        ? new TaskAdapter(TASK, 0, new AdapterForm.Named(known.get(0)))
        : model.startingAdapter(task);
  }
}
