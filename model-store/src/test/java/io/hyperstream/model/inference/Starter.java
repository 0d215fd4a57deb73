package io.hyperstream.model.inference;

import io.hyperstream.model.checkpoint.SourceTask;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.TaskDefinition;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The starter model, opened for a test, with its tasks. */
final class Starter implements AutoCloseable {
  final StoredModel stored;
  final MultiTaskModel model;
  final Map<String, TaskDefinition> tasks = new LinkedHashMap<>();

  Starter(Path store, ModelOptions options) throws IOException {
    stored = StarterModel.install(new FileModelStore(store));
    model = MultiTaskModel.open(stored, options);
    for (SourceTask task : stored.sourceTasks()) {
      tasks.put(task.definition().taskId(), task.definition());
    }
  }

  PreparedRow row(String taskId, String text) {
    TaskDefinition task = tasks.get(taskId);
    Optional<String> pair =
        task.template().needsPair() ? Optional.of("a man is sleeping") : Optional.empty();
    return row(task, text, pair);
  }

  PreparedRow row(TaskDefinition task, String text, Optional<String> pair) {
    return model.prepare(task, model.startingAdapter(task), text, pair);
  }

  TaskPrediction predict(PreparedRow row) {
    return (TaskPrediction) model.predict(List.of(row)).get(0);
  }

  @Override
  public void close() {
    model.close();
  }
}
