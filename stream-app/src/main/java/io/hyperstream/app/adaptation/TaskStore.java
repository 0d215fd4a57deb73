package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.ModelProgress;
import io.hyperstream.app.adaptation.state.TaskState;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.schemas.AdaptationPolicy;
import io.hyperstream.schemas.TaskDefinition;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** The tasks of one stream task, by id. Stream thread only. */
final class TaskStore {
  private final KeyValueStore<String, TaskState> store;
  private final RetryingDecoder reader;
  private final String definitionsTopic;
  private final String modelId;
  private final AdaptationPolicy otherwise;

  TaskStore(
      KeyValueStore<String, TaskState> store,
      RetryingDecoder reader,
      String definitionsTopic,
      String modelId,
      AdaptationPolicy otherwise) {
    this.store = store;
    this.reader = reader;
    this.definitionsTopic = definitionsTopic;
    this.modelId = modelId;
    this.otherwise = otherwise;
  }

  String modelId() {
    return modelId;
  }

  List<String> ids() {
    List<String> ids = new ArrayList<>();
    try (KeyValueIterator<String, TaskState> all = store.all()) {
      all.forEachRemaining(entry -> ids.add(entry.key));
    }
    return ids;
  }

  /** What is known of a task; empty if it was never defined. */
  Optional<TaskState> state(String taskId) {
    return Optional.ofNullable(store.get(taskId));
  }

  /**
   * A task that is defined now; empty too if an earlier release took a definition that this one
   * refuses.
   */
  Optional<OwnedTask> find(String taskId) {
    return state(taskId)
        .filter(state -> state.getDefinition() != null)
        .flatMap(
            state -> {
              TaskDefinition written = decode(state.getDefinition());
              try {
                return Optional.of(
                    new OwnedTask(
                        taskId,
                        state,
                        TaskDefinitions.modelOf(written),
                        written.getAdaptation() == null ? otherwise : written.getAdaptation()));
              } catch (IllegalArgumentException e) {
                return Optional.empty();
              }
            });
  }

  /** Why a definition cannot be served; empty if it can. */
  Optional<String> problem(ByteBuffer definition) {
    try {
      TaskDefinitions.modelOf(decode(definition));
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of(e.getMessage());
    }
  }

  TaskDefinition decode(ByteBuffer definition) {
    return reader.read(definitionsTopic, SourcedRecords.bytes(definition), TaskDefinition.class);
  }

  void save(String taskId, TaskState state) {
    store.put(taskId, state);
  }

  void save(OwnedTask task) {
    save(task.taskId(), task.state());
  }

  /** The task's versions under the model of this application; changes are the state's. */
  ModelProgress progress(TaskState state) {
    return state.getModels().computeIfAbsent(modelId, id -> ModelProgress.newBuilder().build());
  }
}
