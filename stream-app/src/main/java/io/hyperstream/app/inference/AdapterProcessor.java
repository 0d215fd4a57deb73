package io.hyperstream.app.inference;

import io.hyperstream.app.streams.GlobalRecordReader;
import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.InferenceException;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Backoff;
import io.hyperstream.schemas.UndecodableRecordException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds adapter versions into the catalog, at the start from the first record on. A version that
 * cannot be applied (damaged, of a form not served) leaves what is served as it is and says so; it
 * never stops the thread. One of another model is none of this application's. Its store stays
 * empty: the catalog holds what would be in it.
 */
final class AdapterProcessor implements Processor<byte[], byte[], Void, Void> {
  private static final Logger LOG = LoggerFactory.getLogger(AdapterProcessor.class);

  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

  private final TaskCatalog catalog;
  private final GlobalRecordReader reader;
  private final VersionCodec versions;
  private final AdapterFiles files;
  private final InferenceMetrics metrics;
  private final Map<String, AdapterVersion> unreadable = new HashMap<>(); // by key; guarded by this
  private ProcessorContext<Void, Void> context;
  private boolean closed; // guarded by this

  AdapterProcessor(
      TaskCatalog catalog,
      GlobalRecordReader reader,
      VersionCodec versions,
      AdapterFiles files,
      InferenceMetrics metrics) {
    this.catalog = catalog;
    this.reader = reader;
    this.versions = versions;
    this.files = files;
    this.metrics = metrics;
  }

  @Override
  public synchronized void init(ProcessorContext<Void, Void> processorContext) {
    context = processorContext;
    closed = false;
  }

  @Override
  @SuppressWarnings("try") // the fields last as long as the block
  public void process(Record<byte[], byte[]> record) {
    RecordMetadata at = context.recordMetadata().orElseThrow();
    String key = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
    try (LogFields fields = aboutTaskOf(key)) {
      applyOrSay(at.topic(), key, record.value());
    }
  }

  /** The key is modelId|taskId. */
  private static LogFields aboutTaskOf(String key) {
    return LogFields.ofTask(key.substring(key.indexOf('|') + 1));
  }

  private void applyOrSay(String topic, String key, byte[] value) {
    try {
      apply(topic, key, value);
    } catch (NotNowException e) {
      throw e;
    } catch (UndecodableRecordException | IllegalArgumentException | InferenceException e) {
      ignored(key, e.getMessage());
    } catch (RuntimeException e) {
      LOG.warn("The adapter version under '{}' fails in an unexpected way", key, e);
      ignored(key, e.toString());
    }
  }

  private void apply(String topic, String key, byte[] value) {
    int bar = key.indexOf('|');
    if (bar < 0) {
      throw new IllegalArgumentException("its key should be modelId|taskId");
    }
    String modelId = key.substring(0, bar);
    String taskId = key.substring(bar + 1);
    if (!modelId.equals(catalog.modelId())) {
      return; // expected: versions of a model that was served before stay in the topic
    }
    if (value == null) {
      revert(key, taskId);
      return;
    }
    AdapterVersion version = reader.read(topic, value, AdapterVersion.class);
    if (!taskId.equals(version.getTaskId()) || !modelId.equals(version.getModelId())) {
      throw new IllegalArgumentException(
          "the record is about " + version.getModelId() + "|" + version.getTaskId());
    }
    adopt(key, version);
  }

  private synchronized void revert(String key, String taskId) {
    unreadable.remove(key);
    forget(catalog.revert(taskId));
    LOG.info("Task '{}' is served with the model's own start again", taskId);
  }

  private synchronized void adopt(String key, AdapterVersion version) {
    unreadable.put(key, version);
    tryToAdopt(
        key, version, new Backoff(FIRST_PAUSE, LONGEST_PAUSE, metrics.weightRetries::increment));
  }

  /** Again later if its weights cannot be read: shared folders may show a new file late. */
  private synchronized void tryToAdopt(String key, AdapterVersion version, Backoff backoff) {
    if (closed || !version.equals(unreadable.get(key))) {
      return; // what came since counts
    }
    try {
      unreadable.remove(key);
      adopt(version);
    } catch (IllegalArgumentException | InferenceException e) {
      ignored(key, e.getMessage());
    } catch (IOException | UncheckedIOException e) {
      Duration pause = backoff.failed();
      if (backoff.failures() > 1 && backoff.isToBeSaid()) {
        LOG.warn(
            "The weights of version {} under '{}' cannot be read, {} times by now: {}",
            version.getVersion(),
            key,
            backoff.failures(),
            e.toString());
      } else if (backoff.isToBeSaid()) {
        ignored(
            key,
            "its weights cannot be read, and are tried again until they can: "
                + e
                + "; every process must share one model store (hyperstream.model.dir)");
      }
      unreadable.put(key, version);
      CompletableFuture.delayedExecutor(pause.toMillis(), TimeUnit.MILLISECONDS)
          .execute(() -> tryAgain(key, version, backoff));
    }
  }

  @SuppressWarnings("try") // the fields last as long as the block
  private void tryAgain(String key, AdapterVersion version, Backoff backoff) {
    try (LogFields fields = aboutTaskOf(key)) {
      tryToAdopt(key, version, backoff);
    }
  }

  private void adopt(AdapterVersion version) throws IOException {
    TaskAdapter adapter = versions.toAdapter(version);
    try {
      catalog.check(adapter);
    } catch (RuntimeException e) {
      forget(Optional.of(adapter));
      throw e;
    }
    forget(catalog.adopt(adapter));
    LOG.info(
        "Task '{}' is served with version {} ({})",
        version.getTaskId(),
        version.getVersion(),
        version.getForm());
  }

  /** Weights nobody is served with are not kept. */
  private void forget(Optional<TaskAdapter> replaced) {
    replaced.flatMap(TaskAdapter::weightsFile).filter(catalog::isUnused).ifPresent(files::release);
    files.sweep();
  }

  @Override
  public synchronized void close() {
    closed = true;
  }

  private void ignored(String key, String reason) {
    metrics.ignoredAdapters.increment();
    LOG.warn("The adapter version under '{}' is not applied: {}", key, reason);
  }
}
