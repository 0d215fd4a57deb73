package io.hyperstream.app.faults;

import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.header.Header;

/**
 * Reads both output topics, committed records only, each partition in its order, on a thread of its
 * own. All methods may be called from any thread.
 */
final class OutputReader implements AutoCloseable {

  /** One record of an output topic. */
  record Entry(ConsumerRecord<byte[], byte[]> record, Optional<Prediction> prediction) {

    /** Of the request's header; a dead letter of another topic has none. */
    String id() {
      return header(Load.ID_HEADER).orElse(NO_ID);
    }

    Optional<String> header(String name) {
      Header header = record.headers().lastHeader(name);
      return header == null
          ? Optional.empty()
          : Optional.of(new String(header.value(), StandardCharsets.UTF_8));
    }

    String code() {
      return header(DeadLetterHeaders.ERROR_CODE).orElse("(no code)");
    }

    @Override
    public String toString() {
      return "%s in %s-%d at %d"
          .formatted(id(), record.topic(), record.partition(), record.offset());
    }
  }

  private static final String NO_ID = "(no id)";
  private static final long SLOW_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final String predictionsTopic;
  private final RecordCodec codec;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Thread thread = new Thread(this::run, "fault-output");
  private final List<Entry> entries = new ArrayList<>(); // guarded by this
  private final Map<String, Long> ids = new HashMap<>(); // first read at; guarded by this
  private final Set<String> twice = new TreeSet<>(); // guarded by this
  private Instant youngest = Instant.MIN; // guarded by this; of all predictions
  private Throwable failure; // guarded by this; null while all is well
  private boolean wantsEnd; // guarded by this
  private boolean atTheEnd; // guarded by this
  private volatile boolean slow;
  private volatile boolean closed;

  OutputReader(Topics topics, RecordCodec codec, String bootstrapServers) {
    this.codec = codec;
    predictionsTopic = topics.predictions().name();
    consumer =
        SharedCluster.reader(
            bootstrapServers, List.of(predictionsTopic, topics.deadLetters().name()));
    thread.setDaemon(true);
  }

  OutputReader start() {
    thread.start();
    return this;
  }

  private void run() {
    try {
      while (!closed) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
          add(record);
          if (slow) {
            LockSupport.parkNanos(SLOW_NANOS);
          }
        }
        compareWithTheEnd();
      }
    } catch (Throwable e) {
      synchronized (this) {
        failure = e;
      }
    } finally {
      consumer.close();
    }
  }

  private void add(ConsumerRecord<byte[], byte[]> record) {
    Optional<Prediction> prediction =
        record.topic().equals(predictionsTopic)
            ? Optional.of(codec.deserialize(record.topic(), record.value(), Prediction.class))
            : Optional.empty();
    Entry entry = new Entry(record, prediction);
    synchronized (this) {
      entries.add(entry);
      // Without an id it answers no request; the result lists it as unexpected.
      if (!entry.id().equals(NO_ID) && ids.putIfAbsent(entry.id(), System.nanoTime()) != null) {
        twice.add(entry.id());
      }
      prediction
          .map(Prediction::getPredictedAt)
          .filter(at -> at.isAfter(youngest))
          .ifPresent(at -> youngest = at);
    }
  }

  /** Whether it takes five records a second only. */
  void slow(boolean now) {
    slow = now;
  }

  /** Requests with at least one record. */
  synchronized int answered() {
    check();
    return ids.size();
  }

  /** When ({@link System#nanoTime}) the first record of a request was read; empty if none was. */
  synchronized OptionalLong answeredAt(String id) {
    check();
    Long at = ids.get(id);
    return at == null ? OptionalLong.empty() : OptionalLong.of(at);
  }

  /** Requests with several records. */
  synchronized Set<String> answeredTwice() {
    check();
    return Set.copyOf(twice);
  }

  /** Whether a prediction made after this moment is committed. */
  synchronized boolean hasPredictionSince(Instant moment) {
    check();
    return youngest.isAfter(moment);
  }

  /** Whether all that is committed now is read; each call that returns false checks again. */
  synchronized boolean isAtTheEnd() {
    check();
    boolean answer = atTheEnd;
    atTheEnd = false;
    wantsEnd = !answer;
    return answer;
  }

  /** Without an open transaction the last stable offset is the end. */
  private void compareWithTheEnd() {
    synchronized (this) {
      if (!wantsEnd) {
        return;
      }
      wantsEnd = false;
    }
    boolean reached =
        consumer.endOffsets(consumer.assignment()).entrySet().stream()
            .allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
    synchronized (this) {
      atTheEnd = reached;
    }
  }

  /** Everything read, each partition in its order. */
  synchronized List<Entry> entries() {
    check();
    return List.copyOf(entries);
  }

  private void check() {
    if (failure != null) {
      throw new IllegalStateException("the output could not be read", failure);
    }
  }

  @Override
  public void close() {
    closed = true;
    slow = false;
    try {
      thread.join(TimeUnit.SECONDS.toMillis(30));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
