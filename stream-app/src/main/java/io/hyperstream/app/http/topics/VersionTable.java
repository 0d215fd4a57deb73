package io.hyperstream.app.http.topics;

import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What every published version is, without what it is made of; and which one serves. Any thread.
 */
public final class VersionTable {
  /** About half a kilobyte each. Adaptation keeps 20 per task. */
  private static final int MOST_VERSIONS = 50_000;

  private final Map<String, Published> served = new HashMap<>(); // modelId|taskId; guarded by this
  private final Map<String, Map<String, Published>> byTask = new HashMap<>(); // guarded by this
  private final LinkedHashMap<String, String> tasksByKey = new LinkedHashMap<>(); // guarded by this

  /**
   * A version as its record describes it.
   *
   * @param bytes of the record's value
   */
  public record Published(
      String taskId,
      long version,
      Optional<Long> parent,
      String modelId,
      AdapterForm form,
      int examples,
      Map<String, Double> metrics,
      Instant createdAt,
      String reason,
      int bytes) {

    static Published of(AdapterVersion record, int bytes) {
      return new Published(
          record.getTaskId(),
          record.getVersion(),
          Optional.ofNullable(record.getParent()),
          record.getModelId(),
          record.getForm(),
          record.getExamples(),
          Map.copyOf(record.getMetrics()),
          record.getCreatedAt(),
          record.getReason(),
          bytes);
    }
  }

  synchronized void serve(String key, Published version) {
    served.put(key, version);
  }

  synchronized void revert(String key) {
    served.remove(key);
  }

  synchronized void put(String key, Published version) {
    tasksByKey.put(key, version.taskId());
    byTask.computeIfAbsent(version.taskId(), id -> new HashMap<>()).put(key, version);
    if (tasksByKey.size() > MOST_VERSIONS) {
      remove(tasksByKey.keySet().iterator().next());
    }
  }

  synchronized void remove(String key) {
    String taskId = tasksByKey.remove(key);
    if (taskId != null) {
      Map<String, Published> versions = byTask.get(taskId);
      versions.remove(key);
      if (versions.isEmpty()) {
        byTask.remove(taskId);
      }
    }
  }

  /** What serves a task; empty: the initial adapter. */
  public synchronized Optional<Published> served(String modelId, String taskId) {
    return Optional.ofNullable(served.get(modelId + "|" + taskId));
  }

  /** All of a task, of every model, the newest first. */
  public synchronized List<Published> of(String taskId) {
    List<Published> versions = new ArrayList<>(byTask.getOrDefault(taskId, Map.of()).values());
    versions.sort(
        Comparator.comparing(Published::createdAt).thenComparing(Published::version).reversed());
    return versions;
  }
}
