package io.hyperstream.app.http.topics;

import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.schemas.TaskDefinition;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/** The definitions that hold now, by task. Any thread. */
public final class DefinitionTable {
  private static final int MOST_NEAR = 3;

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
    record Near(String id, int distance) {}
    int most = Math.max(2, taskId.length() / 3);
    List<Near> near = new ArrayList<>();
    for (String id : tasks.keySet()) {
      int distance =
          id.contains(taskId) || taskId.contains(id)
              ? 0
              : Math.abs(id.length() - taskId.length()) > most
                  ? Integer.MAX_VALUE
                  : distance(id, taskId);
      if (distance <= most) {
        near.add(new Near(id, distance));
      }
    }
    return near.stream()
        .sorted(Comparator.comparingInt(Near::distance).thenComparing(Near::id))
        .limit(MOST_NEAR)
        .map(Near::id)
        .toList();
  }

  /** Letters to add, remove or replace (Levenshtein). */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
