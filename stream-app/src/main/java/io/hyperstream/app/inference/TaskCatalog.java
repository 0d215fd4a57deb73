package io.hyperstream.app.inference;

import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.task.TaskDefinition;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * What is served now: task definitions and the adapter version of each. One shared object, written
 * by the global stream thread, read by everyone; each read sees the latest write. A task costs its
 * definition and its embedding (256 bytes for 64 numbers), so ten thousand tasks take some 20 MB.
 */
final class TaskCatalog {

  /** A definition as it was last written. */
  sealed interface Entry {

    /**
     * Can be served.
     *
     * @param start what the model starts the task with, version 0
     */
    record Defined(TaskDefinition definition, TaskAdapter start) implements Entry {}

    /** Was written, but cannot be served; stays visible so that requests learn why. */
    record Invalid(String reason) implements Entry {}
  }

  private final Predictor predictor;
  private final Map<String, Entry> entries = new ConcurrentHashMap<>();
  private final Map<String, TaskAdapter> published = new ConcurrentHashMap<>();
  private final Map<Integer, Long> positions = new ConcurrentHashMap<>();
  private final Object moved = new Object();
  private volatile Optional<String> stalled = Optional.empty();

  TaskCatalog(Predictor predictor) {
    this.predictor = predictor;
  }

  String modelId() {
    return predictor.modelId();
  }

  /**
   * Tries a version before it is adopted. Global stream thread.
   *
   * @throws io.hyperstream.model.inference.InferenceException if the model can never apply it
   */
  void check(TaskAdapter adapter) {
    TaskDefinition anyTask = TaskDefinition.classification("any", List.of("yes", "no"));
    predictor.check(adapter.orStart(predictor.startingAdapter(anyTask)));
  }

  /** Whether no task is served with the weights in a file. */
  boolean isUnused(Path file) {
    return published.values().stream()
        .noneMatch(adapter -> adapter.weightsFile().equals(Optional.of(file)));
  }

  /** The task's definition, servable or not; empty if it was never defined or is retired. */
  Optional<Entry> find(String taskId) {
    return Optional.ofNullable(entries.get(taskId));
  }

  /** The tasks that can be served. */
  List<Entry.Defined> defined() {
    return entries.values().stream()
        .filter(Entry.Defined.class::isInstance)
        .map(Entry.Defined.class::cast)
        .toList();
  }

  /** The adapters that serve a task now. */
  TaskAdapter adapterOf(Entry.Defined task) {
    TaskAdapter adapter = published.get(task.definition().taskId());
    return adapter == null ? task.start() : adapter.orStart(task.start());
  }

  /**
   * The row with the adapters its task is served with now: a version published while the row was
   * waiting counts. A row of an older definition keeps what it was prepared with.
   */
  PreparedRow freshest(PreparedRow row) {
    if (entries.get(row.task().taskId()) instanceof Entry.Defined task
        && task.definition().equals(row.task())) {
      return row.with(adapterOf(task));
    }
    return row;
  }

  /**
   * Global stream thread.
   *
   * @throws io.hyperstream.model.inference.InferenceException if the model cannot answer such a
   *     task
   */
  void define(TaskDefinition definition) {
    predictor.check(definition);
    entries.put(
        definition.taskId(), new Entry.Defined(definition, predictor.startingAdapter(definition)));
  }

  /** Global stream thread. */
  void invalidate(String taskId, String reason) {
    entries.put(taskId, new Entry.Invalid(reason));
  }

  /** Global stream thread. */
  void retire(String taskId) {
    entries.remove(taskId);
  }

  /**
   * Serves a version from the next batch on. Global stream thread.
   *
   * @return what was served before, if that was published too
   */
  Optional<TaskAdapter> adopt(TaskAdapter adapter) {
    return Optional.ofNullable(published.put(adapter.taskId(), adapter));
  }

  /** Serves the initial adapter again. Global stream thread. */
  Optional<TaskAdapter> revert(String taskId) {
    return Optional.ofNullable(published.remove(taskId));
  }

  /** Defined tasks, servable or not. */
  int size() {
    return entries.size();
  }

  /** Says that definitions up to this offset are in. Global stream thread. */
  void reached(int partition, long nextOffset) {
    positions.merge(partition, nextOffset, Math::max);
    synchronized (moved) {
      moved.notifyAll();
    }
  }

  /** The offset of the first definition that is not in yet. */
  long position(int partition) {
    return positions.getOrDefault(partition, 0L);
  }

  /** Waits until the definitions before an offset are in; false if that takes too long. */
  boolean awaitPosition(int partition, long offset, long nanos) throws InterruptedException {
    long until = System.nanoTime() + nanos;
    synchronized (moved) {
      while (position(partition) < offset) {
        long left = until - System.nanoTime();
        if (left <= 0) {
          return false;
        }
        TimeUnit.NANOSECONDS.timedWait(moved, left);
      }
      return true;
    }
  }

  /** Why the catalog does not advance now (the registry is down); empty while it does. */
  Optional<String> stalled() {
    return stalled;
  }

  void stalled(Optional<String> reason) {
    stalled = reason;
  }
}
