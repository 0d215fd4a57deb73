package io.hyperstream.app.http.topics;

import static java.time.temporal.ChronoUnit.SECONDS;

import io.hyperstream.app.config.HttpSettings;
import io.hyperstream.app.http.topics.VersionTable.Published;
import io.hyperstream.app.streams.Retries;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Backoff;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.RegistryUnavailableException;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.Topics;
import io.hyperstream.schemas.UndecodableRecordException;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the small topics say, followed by one thread of its own: definitions, versions, the latest
 * reports and dead letters. While the registry is down it waits at the record it cannot read; after
 * any other failure it reads everything again. Either way it goes on showing what it has, and says
 * by {@link #stale} since when. Everything else may be called by any thread.
 */
@Singleton
public final class TopicView {
  private static final Logger LOG = LoggerFactory.getLogger(TopicView.class);
  private static final long MOST_REPORT_BYTES = 16L << 20;
  private static final long MOST_LETTER_BYTES = 8L << 20;
  private static final int MOST_TASKS_WITH_REPORTS = 20_000;
  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  private final Topics topics;
  private final RecordCodec patientCodec;
  private final RecordCodec codec;
  private final Supplier<Consumer<byte[], byte[]>> readers;
  private final HttpSettings settings;
  private final List<ViewListener> listeners = new CopyOnWriteArrayList<>();
  private final Map<TopicPartition, Long> positions = new HashMap<>(); // guarded by this
  private final Thread thread = new Thread(this::run, "hyperstream-http-view");
  private Consumer<byte[], byte[]> consumer; // guarded by this; to wake it
  private boolean closed; // guarded by this
  private final Backoff backoff; // view thread only
  private volatile Tables shown;
  private volatile boolean everRead;
  private volatile String problem = "the topics are being read";
  private volatile Optional<String> stale = Optional.empty();

  /** What one reading of the topics has given so far. */
  private static final class Tables {
    private final DefinitionTable definitions = new DefinitionTable();
    private final VersionTable versions = new VersionTable();
    private final LatestRecords<AdaptationReport> reports;
    private final LatestRecords<RefusedRecord> deadLetters;
    private final Map<String, AdaptationReport> lastReports = new ConcurrentHashMap<>();

    Tables(HttpSettings settings) {
      reports = new LatestRecords<>(settings.keptReports(), MOST_REPORT_BYTES);
      deadLetters = new LatestRecords<>(settings.keptDeadLetters(), MOST_LETTER_BYTES);
    }
  }

  @Inject
  TopicView(TopicAccess access, HttpSettings settings, MeterRegistry meters) {
    this(
        access.topics(),
        access.patientCodec(),
        access.codec(),
        () -> access.reader("view"),
        settings,
        Retries.counter(meters, "view of the topics")::increment);
  }

  /**
   * @param patientCodec for records of which there is only one, such as definitions
   * @param codec for what dead letters hold: schemas that nobody knows are common there
   * @param counter run at each failure
   */
  TopicView(
      Topics topics,
      RecordCodec patientCodec,
      RecordCodec codec,
      Supplier<Consumer<byte[], byte[]>> readers,
      HttpSettings settings,
      Runnable counter) {
    this.topics = topics;
    this.patientCodec = patientCodec;
    this.codec = codec;
    this.readers = readers;
    this.settings = settings;
    backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, counter);
    shown = new Tables(settings);
    thread.setDaemon(true);
  }

  /** Once. */
  public void start() {
    thread.start();
  }

  public void listen(ViewListener listener) {
    listeners.add(listener);
  }

  /** Why there is nothing to show yet; empty once everything was read. */
  public Optional<String> problem() {
    return everRead ? Optional.empty() : Optional.of(problem);
  }

  /** Why what is shown may not be the latest, and since when; empty while it is. */
  public Optional<String> stale() {
    return stale;
  }

  public DefinitionTable definitions() {
    return shown.definitions;
  }

  public VersionTable versions() {
    return shown.versions;
  }

  public LatestRecords<AdaptationReport> reports() {
    return shown.reports;
  }

  public LatestRecords<RefusedRecord> deadLetters() {
    return shown.deadLetters;
  }

  public Optional<AdaptationReport> lastReport(String taskId) {
    return Optional.ofNullable(shown.lastReports.get(taskId));
  }

  /** Waits until a record is in the view; false if that takes too long. */
  public boolean awaitRecord(TopicPartition partition, long offset, Duration patience)
      throws InterruptedException {
    long until = System.nanoTime() + patience.toNanos();
    synchronized (this) {
      while (positions.getOrDefault(partition, 0L) <= offset) {
        long left = until - System.nanoTime();
        if (left <= 0 || closed) {
          return false;
        }
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
      return true;
    }
  }

  private void run() {
    while (!isClosed()) {
      try (Following following = new Following(readers.get())) {
        following.follow();
      } catch (WakeupException e) {
        return;
      } catch (RuntimeException | Error e) {
        if (!waitAfter("the topics cannot be read: " + e.getMessage(), e)) {
          return;
        }
      }
    }
  }

  /** What is shown ages from here on; false when it is closed. */
  private boolean waitAfter(String reason, Throwable failure) {
    problem = reason;
    if (everRead && stale.isEmpty()) {
      stale = Optional.of(reason + " (since " + Instant.now().truncatedTo(SECONDS) + ")");
    }
    Duration pause = backoff.failed();
    if (backoff.isToBeSaid()) {
      LOG.warn("The HTTP API's view of the topics ages: {}", reason, failure);
    }
    return pause(pause);
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  private synchronized boolean pause(Duration pause) {
    long until = System.nanoTime() + pause.toNanos();
    try {
      for (long left = until - System.nanoTime(); !closed && left > 0; ) {
        TimeUnit.NANOSECONDS.timedWait(this, left);
        left = until - System.nanoTime();
      }
    } catch (InterruptedException e) {
      return false;
    }
    return !closed;
  }

  /** One pass from the beginning. View thread only. */
  private final class Following implements AutoCloseable {
    private final Consumer<byte[], byte[]> reader;
    private final Map<TopicPartition, Long> missing = new HashMap<>();
    private final Tables tables = new Tables(settings);
    private boolean live;

    Following(Consumer<byte[], byte[]> reader) {
      this.reader = reader;
      synchronized (TopicView.this) {
        consumer = reader;
        if (closed) {
          reader.wakeup();
        }
      }
    }

    void follow() {
      Map<TopicPartition, Long> from = new HashMap<>();
      // Of tables everything, of streams the latest.
      start(topics.definitions(), Integer.MAX_VALUE, from);
      start(topics.adapters(), Integer.MAX_VALUE, from);
      start(topics.adapterVersions(), Integer.MAX_VALUE, from);
      start(topics.reports(), settings.keptReports(), from);
      start(topics.deadLetters(), settings.keptDeadLetters(), from);
      reader.assign(from.keySet());
      from.forEach(reader::seek);
      missing.putAll(reader.endOffsets(from.keySet()));
      while (true) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(500))) {
          takeWhenReadable(record);
        }
        moved();
      }
    }

    private void start(Topic topic, int latest, Map<TopicPartition, Long> from) {
      List<TopicPartition> partitions =
          reader.partitionsFor(topic.name()).stream()
              .map(info -> new TopicPartition(info.topic(), info.partition()))
              .toList();
      if (partitions.isEmpty()) {
        throw new IllegalStateException("there is no topic " + topic.name() + " yet");
      }
      Map<TopicPartition, Long> ends = reader.endOffsets(partitions);
      reader
          .beginningOffsets(partitions)
          .forEach(
              (partition, first) ->
                  from.put(partition, Math.max(first, ends.get(partition) - latest)));
    }

    private void moved() {
      missing.entrySet().removeIf(end -> reader.position(end.getKey()) >= end.getValue());
      if (!missing.isEmpty()) {
        return;
      }
      live = true;
      shown = tables;
      everRead = true;
      stale = Optional.empty();
      backoff.worked();
      synchronized (TopicView.this) {
        positions.clear();
        reader.assignment().forEach(one -> positions.put(one, reader.position(one)));
        TopicView.this.notifyAll();
      }
    }

    /** A registry that is down keeps nobody from seeing what was read before. */
    private void takeWhenReadable(ConsumerRecord<byte[], byte[]> record) {
      while (true) {
        try {
          take(record);
          return;
        } catch (RegistryUnavailableException e) {
          if (!waitAfter(e.getMessage(), e)) {
            throw new WakeupException();
          }
        }
      }
    }

    private void take(ConsumerRecord<byte[], byte[]> record) {
      String topic = record.topic();
      String key = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
      if (topic.equals(topics.definitions().name())) {
        define(key, record);
      } else if (topic.equals(topics.adapters().name())) {
        serve(key, record);
      } else if (topic.equals(topics.adapterVersions().name())) {
        read(record, AdapterVersion.class)
            .ifPresentOrElse(
                version -> tables.versions.put(key, Published.of(version, record.value().length)),
                () -> tables.versions.remove(key));
      } else if (topic.equals(topics.reports().name())) {
        read(record, AdaptationReport.class).ifPresent(report -> report(report, record));
      } else {
        RefusedRecord letter = RefusedRecord.of(record, topics, codec);
        int bytes = 512 + 2 * (letter.message().length() + letter.text().orElse("").length());
        tables.deadLetters.add(
            letter.timestamp(), record.partition(), record.offset(), bytes, letter);
      }
    }

    private void define(String taskId, ConsumerRecord<byte[], byte[]> record) {
      if (record.value() == null) {
        tables.definitions.remove(taskId);
        return;
      }
      try {
        TaskDefinition written =
            patientCodec.deserialize(record.topic(), record.value(), TaskDefinition.class);
        if (written.getTaskId().equals(taskId)) {
          tables.definitions.put(written);
        } else {
          tables.definitions.unreadable(
              taskId, "the record's key is '" + taskId + "', its taskId is another");
        }
      } catch (UndecodableRecordException e) {
        tables.definitions.unreadable(taskId, e.getMessage());
      }
    }

    private void serve(String key, ConsumerRecord<byte[], byte[]> record) {
      int bar = key.indexOf('|');
      if (bar < 0) {
        return; // nothing of ours
      }
      Optional<Published> version =
          read(record, AdapterVersion.class).map(read -> Published.of(read, record.value().length));
      version.ifPresentOrElse(
          now -> tables.versions.serve(key, now), () -> tables.versions.revert(key));
      if (live) {
        String modelId = key.substring(0, bar);
        String taskId = key.substring(bar + 1);
        listeners.forEach(listener -> listener.served(modelId, taskId, version));
      }
    }

    private void report(AdaptationReport report, ConsumerRecord<byte[], byte[]> record) {
      tables.reports.add(
          report.getFinishedAt(),
          record.partition(),
          record.offset(),
          record.value().length,
          report);
      if (tables.lastReports.size() < MOST_TASKS_WITH_REPORTS
          || tables.lastReports.containsKey(report.getTaskId())) {
        tables.lastReports.put(report.getTaskId(), report);
      }
      if (live) {
        listeners.forEach(listener -> listener.reported(report));
      }
    }

    /** Empty for a tombstone and for what nobody can read. */
    private <T extends org.apache.avro.specific.SpecificRecord> Optional<T> read(
        ConsumerRecord<byte[], byte[]> record, Class<T> type) {
      if (record.value() == null) {
        return Optional.empty();
      }
      try {
        return Optional.of(patientCodec.deserialize(record.topic(), record.value(), type));
      } catch (UndecodableRecordException e) {
        LOG.debug("Offset {} of {} cannot be read", record.offset(), record.topic(), e);
        return Optional.empty();
      }
    }

    @Override
    public void close() {
      synchronized (TopicView.this) {
        consumer = null;
      }
      reader.close(CloseOptions.timeout(Duration.ofMillis(500)));
    }
  }

  /** Ends the thread. A second call does nothing. */
  @PreDestroy
  public void close() {
    synchronized (this) {
      closed = true;
      if (consumer != null) {
        consumer.wakeup();
      }
      notifyAll();
    }
    try {
      thread.join(2_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
