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
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.header.Header;

/**
 * Reads both output topics, committed records only, each partition in its order, on a thread of its
 * own. All methods may be called from any thread.
 */
final class Ledger implements AutoCloseable {

  /** One record of an output topic. */
  record Entry(ConsumerRecord<byte[], byte[]> record, Optional<Prediction> prediction) {

    /** Of the request's header. */
    String id() {
      return header(Load.ID_HEADER).orElse("(no id)");
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

  private final String predictionsTopic;
  private final RecordCodec codec;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Thread thread = new Thread(this::run, "fault-ledger");
  private final List<Entry> entries = new ArrayList<>(); // guarded by this
  private final Set<String> ids = new HashSet<>(); // guarded by this
  private Instant youngest = Instant.MIN; // guarded by this; of all predictions
  private Throwable failure; // guarded by this; null while all is well
  private boolean wantsEnd; // guarded by this
  private boolean atTheEnd; // guarded by this
  private volatile boolean closed;

  Ledger(Topics topics, RecordCodec codec) {
    this.codec = codec;
    predictionsTopic = topics.predictions().name();
    consumer = SharedCluster.reader(List.of(predictionsTopic, topics.deadLetters().name()));
    thread.setDaemon(true);
  }

  Ledger start() {
    thread.start();
    return this;
  }

  private void run() {
    try {
      while (!closed) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
          enter(record);
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

  private void enter(ConsumerRecord<byte[], byte[]> record) {
    Optional<Prediction> prediction =
        record.topic().equals(predictionsTopic)
            ? Optional.of(codec.deserialize(record.topic(), record.value(), Prediction.class))
            : Optional.empty();
    Entry entry = new Entry(record, prediction);
    synchronized (this) {
      entries.add(entry);
      ids.add(entry.id());
      prediction
          .map(Prediction::getPredictedAt)
          .filter(at -> at.isAfter(youngest))
          .ifPresent(at -> youngest = at);
    }
  }

  /** Requests with at least one record. */
  synchronized int answered() {
    check();
    return ids.size();
  }

  /** Whether a prediction made after this moment is committed. */
  synchronized boolean hasPredictionSince(Instant moment) {
    check();
    return youngest.isAfter(moment);
  }

  /** Whether all that is committed now is read; asks anew with every call that says no. */
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
    try {
      thread.join(TimeUnit.SECONDS.toMillis(30));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
