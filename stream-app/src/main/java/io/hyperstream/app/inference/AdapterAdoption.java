package io.hyperstream.app.inference;

import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Backoff;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has adapter versions served, of each task the latest. While the application starts that is done
 * at once, so that its first answer is by what is served; after {@link #live} on a thread of its
 * own, because weights may have to be fetched, and definitions and partitions do not wait for that.
 * At most one version of a task waits.
 *
 * <p>A record that makes no sense to this model is ignored. Whatever else fails (the model store,
 * the disk, the device's memory) is tried again with growing pauses until it works; until then the
 * version before serves, and {@link #problem} says so. Thread-safe.
 */
final class AdapterAdoption implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AdapterAdoption.class);

  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

  /** A version may bring its weights along; of more than these only the place is kept. */
  private static final int MOST_HELD = 64;

  /** Where a version's record lies. */
  record Place(TopicPartition partition, long offset) {}

  /** Reads a record a second time. */
  interface Records {
    /**
     * @throws IOException if it is not there (any more)
     */
    AdapterVersion read(Place place) throws IOException;
  }

  private final TaskCatalog catalog;
  private final VersionCodec versions;
  private final AdapterFiles files;
  private final Records records;
  private final InferenceMetrics metrics;
  private final ScheduledThreadPoolExecutor thread;
  private final Map<String, Wanted> waiting = new LinkedHashMap<>(); // by key; guarded by this
  private final Map<String, Served> served = new HashMap<>(); // by key; guarded by this
  private volatile boolean live;
  private boolean closed; // guarded by this

  private record Served(Place place, Optional<Path> weights) {}

  /** A version on its way. */
  private final class Wanted {
    private final String key;
    private final Place place;
    private final Optional<AdapterVersion> version;
    private final Backoff backoff =
        new Backoff(FIRST_PAUSE, LONGEST_PAUSE, metrics.weightRetries::increment);
    private Optional<String> problem = Optional.empty(); // guarded by the adoption
    private Optional<Future<?>> attempt = Optional.empty(); // guarded by the adoption

    Wanted(String key, Place place, Optional<AdapterVersion> version) {
      this.key = key;
      this.place = place;
      this.version = version;
    }
  }

  AdapterAdoption(
      TaskCatalog catalog,
      VersionCodec versions,
      AdapterFiles files,
      Records records,
      InferenceMetrics metrics) {
    this.catalog = catalog;
    this.versions = versions;
    this.files = files;
    this.records = records;
    this.metrics = metrics;
    thread =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread adopter = new Thread(task, "hyperstream-adapters");
              adopter.setDaemon(true);
              return adopter;
            });
    thread.setRemoveOnCancelPolicy(true);
  }

  /** From now on nothing is done on the thread that asks. */
  void live() {
    live = true;
  }

  /**
   * Has a version served, unless a later one of the task comes before.
   *
   * @param key modelId|taskId
   */
  void adopt(String key, AdapterVersion version, Place place) {
    Wanted wanted;
    synchronized (this) {
      boolean held = !live || waiting.size() < MOST_HELD;
      wanted = new Wanted(key, place, held ? Optional.of(version) : Optional.empty());
      want(wanted);
      if (live) {
        schedule(wanted, Duration.ZERO);
      }
    }
    if (!live) {
      attempt(wanted);
    }
  }

  /** Serves the initial adapter again. */
  synchronized void revert(String key, String taskId) {
    cancel(waiting.remove(key));
    served.remove(key);
    forget(catalog.revert(taskId));
    LOG.info("Task '{}' is served with the initial adapter again", taskId);
  }

  /** Gets weights again that a batch did not find. */
  synchronized void missing(Path weights) {
    served.forEach(
        (key, version) -> {
          if (version.weights().equals(Optional.of(weights)) && !waiting.containsKey(key)) {
            Wanted again = new Wanted(key, version.place(), Optional.empty());
            again.problem = Optional.of("its weights are gone from " + weights);
            LOG.warn("The weights under '{}' are gone from {}; getting them again", key, weights);
            want(again);
            schedule(again, Duration.ZERO);
          }
        });
  }

  /** Which versions are not served though they should be, and why; empty if there are none. */
  synchronized Optional<String> problem() {
    return waiting.values().stream()
        .filter(wanted -> wanted.problem.isPresent())
        .findFirst()
        .map(
            first ->
                "of the adapter versions %d wait, the one under '%s' because %s"
                    .formatted(waiting.size(), first.key, first.problem.get()));
  }

  /** Versions on their way. */
  synchronized int waiting() {
    return waiting.size();
  }

  private synchronized void want(Wanted wanted) {
    cancel(waiting.put(wanted.key, wanted));
  }

  private static void cancel(Wanted superseded) {
    if (superseded != null) {
      superseded.attempt.ifPresent(attempt -> attempt.cancel(false));
    }
  }

  private synchronized void schedule(Wanted wanted, Duration pause) {
    if (isWanted(wanted)) {
      wanted.attempt =
          Optional.of(
              thread.schedule(() -> attempt(wanted), pause.toNanos(), TimeUnit.NANOSECONDS));
    }
  }

  private synchronized boolean isWanted(Wanted wanted) {
    return !closed && waiting.get(wanted.key) == wanted;
  }

  @SuppressWarnings("try") // the fields last as long as the block
  private void attempt(Wanted wanted) {
    if (!isWanted(wanted)) {
      return;
    }
    try (LogFields fields = aboutTaskOf(wanted.key)) {
      serve(wanted);
    } catch (IllegalArgumentException | InferenceException e) {
      giveUp(wanted, e.getMessage());
    } catch (IOException | RuntimeException | Error e) {
      tryAgain(wanted, e);
    }
  }

  /** The key is modelId|taskId. */
  static LogFields aboutTaskOf(String key) {
    return LogFields.ofTask(key.substring(key.indexOf('|') + 1));
  }

  private void serve(Wanted wanted) throws IOException {
    AdapterVersion version =
        wanted.version.isPresent() ? wanted.version.get() : records.read(wanted.place);
    TaskAdapter adapter = versions.toAdapter(version);
    boolean fits = false;
    try {
      catalog.check(adapter);
      fits = true;
    } finally {
      if (!fits || !adopted(wanted, adapter)) {
        forget(Optional.of(adapter));
      }
    }
  }

  /** Whether it is served now: false if something later counts. */
  private synchronized boolean adopted(Wanted wanted, TaskAdapter adapter) {
    if (!isWanted(wanted)) {
      return false;
    }
    waiting.remove(wanted.key);
    served.put(wanted.key, new Served(wanted.place, adapter.weightsFile()));
    Optional<TaskAdapter> before = catalog.adopt(adapter);
    adapter.weightsFile().ifPresent(files::use);
    forget(before);
    LOG.info("Task '{}' is served with version {}", adapter.taskId(), adapter.version());
    return true;
  }

  private synchronized void giveUp(Wanted wanted, String reason) {
    if (isWanted(wanted)) {
      waiting.remove(wanted.key);
      ignored(wanted.key, reason);
    }
  }

  private synchronized void tryAgain(Wanted wanted, Throwable failure) {
    if (!isWanted(wanted)) {
      return;
    }
    Duration pause = wanted.backoff.failed();
    boolean input = failure instanceof IOException || failure.getCause() instanceof IOException;
    String reason =
        input
            ? "its weights cannot be read ("
                + failure.getMessage()
                + "); every process must share one model store (hyperstream.model.dir)"
            : "it cannot be tried now (" + failure.getMessage() + ")";
    wanted.problem = Optional.of(reason);
    if (wanted.backoff.isToBeSaid()) {
      LOG.warn(
          "The adapter version under '{}' is not applied yet, at attempt {}: {}",
          wanted.key,
          wanted.backoff.failures(),
          reason,
          input ? null : failure);
    }
    schedule(wanted, pause);
  }

  /** Weights nobody is served with are not kept. */
  private synchronized void forget(Optional<TaskAdapter> replaced) {
    replaced.flatMap(TaskAdapter::weightsFile).filter(catalog::isUnused).ifPresent(files::release);
    files.sweep();
  }

  /** Counts and says that a record is not applied, ever. */
  void ignored(String key, String reason) {
    metrics.ignoredAdapters.increment();
    LOG.warn("The adapter version under '{}' is not applied: {}", key, reason);
  }

  /** Gives up what waits; it is read again at the next start. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    thread.shutdownNow();
    try {
      if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
        LOG.warn("Weights are still being fetched; the process ends without them");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
