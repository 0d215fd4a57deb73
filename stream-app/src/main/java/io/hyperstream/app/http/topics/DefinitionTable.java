package io.hyperstream.app.http.topics;

import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.model.task.NearNames;
import io.hyperstream.schemas.TaskDefinition;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/** The definitions that hold now, by task. Any thread. */
public final class DefinitionTable {
  private final ConcurrentSkipListMap<String, Defined> tasks = new ConcurrentSkipListMap<>();

  /**
   * A task as it was last defined.
   *
   * @param written what was written; empty if it cannot be read
   * @param problem why it cannot be served; empty if it can, as far as its definition says
   */
  public record Defined(
      String taskId, Optional<TaskDefinition> written, Optional<String> problem) {}

  void put(TaskDefinition written) {
    Optional<String> problem = Optional.empty();
    try {
      TaskDefinitions.modelOf(written);
    } catch (IllegalArgumentException e) {
      problem = Optional.of(e.getMessage());
    }
    tasks.put(written.getTaskId(), new Defined(written.getTaskId(), Optional.of(written), problem));
  }

  void unreadable(String taskId, String problem) {
    tasks.put(taskId, new Defined(taskId, Optional.empty(), Optional.of(problem)));
  }

  void remove(String taskId) {
    tasks.remove(taskId);
  }

  public Optional<Defined> find(String taskId) {
    return Optional.ofNullable(tasks.get(taskId));
  }

  /** In the order of their ids. */
  public List<Defined> after(String taskId, int limit) {
    return tasks.tailMap(taskId, false).values().stream().limit(limit).toList();
  }

  /** Ids someone may have meant. */
  public List<String> near(String taskId) {
    return NearNames.of(taskId, tasks.keySet());
  }
}
