package io.hyperstream.app.http.events;

import io.hyperstream.app.http.topics.RefusedRecord;
import io.hyperstream.app.http.topics.TopicAccess;
import io.hyperstream.app.streams.Retries;
import io.hyperstream.schemas.Backoff;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.UndecodableRecordException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows requests and predictions while someone watches, from then on, with a thread and a
 * consumer of its own; nobody watching costs nothing.
 */
@Singleton
final class PredictionTail {
  private static final Logger LOG = LoggerFactory.getLogger(PredictionTail.class);
  private static final int REMEMBERED_TEXTS = 4_096;
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

  private final EventStreams streams;
  private final TopicAccess access;
  private final RecordCodec codec;
  private final Counter retries;
  private Thread thread; // guarded by this; null while nobody watches
  private Consumer<byte[], byte[]> consumer; // guarded by this; to wake it
  private boolean closed; // guarded by this

  /**
   * A prediction as a watcher sees it.
   *
   * @param abstained why it has no label; null where there is an answer
   * @param taught whether the version that answered learnt from labelled examples of the task
   * @param input the beginning of the text, if its request was seen
   */
  @Serdeable
  @Schema(name = "PredictionEvent")
  record Event(
      String requestId,
      String taskId,
      @Nullable String label,
      @Nullable Double value,
      @Nullable String text,
      float score,
      @Nullable String abstained,
      @Nullable Float outOfScope,
      long adapterVersion,
      boolean taught,
      Instant predictedAt,
      Instant createdAt,
      @Nullable String input) {}

  PredictionTail(EventStreams streams, TopicAccess access, MeterRegistry meters) {
    retries = Retries.counter(meters, "predictions watched");
    this.streams = streams;
    this.access = access;
    codec = access.codec();
  }

  /** Makes sure that it follows: someone watches. */
  synchronized void follow() {
    if (thread == null && !closed) {
      thread = new Thread(this::run, "hyperstream-http-predictions");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void run() {
    Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, retries::increment);
    while (isWatched()) {
      try (Consumer<byte[], byte[]> reader = access.reader("predictions")) {
        followWith(reader);
      } catch (WakeupException e) {
        LOG.debug("Nobody watches predictions any more");
      } catch (RuntimeException e) {
        Duration pause = backoff.failed();
        if (backoff.isToBeSaid()) {
          LOG.warn("Predictions cannot be watched now: {}", e.toString());
        }
        pause(pause);
      } finally {
        synchronized (this) {
          consumer = null;
        }
      }
    }
  }

  /** If not, the thread is as good as gone, and the next watcher starts another. */
  private synchronized boolean isWatched() {
    if (closed || !streams.hasClients(Channel.PREDICTIONS)) {
      thread = null;
      return false;
    }
    return true;
  }

  private synchronized void pause(Duration pause) {
    try {
      if (!closed) {
        TimeUnit.NANOSECONDS.timedWait(this, pause.toNanos());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void followWith(Consumer<byte[], byte[]> reader) {
    synchronized (this) {
      consumer = reader;
      if (closed) {
        return;
      }
    }
    String requests = access.topics().requests().name();
    List<TopicPartition> partitions =
        Stream.of(requests, access.topics().predictions().name())
            .flatMap(topic -> reader.partitionsFor(topic).stream())
            .map(info -> new TopicPartition(info.topic(), info.partition()))
            .toList();
    reader.assign(partitions);
    reader.endOffsets(partitions).forEach(reader::seek);
    Map<String, String> texts = new Texts();
    while (streams.hasClients(Channel.PREDICTIONS)) {
      for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
        try {
          if (record.topic().equals(requests)) {
            remember(record, texts);
          } else {
            show(record, texts);
          }
        } catch (UndecodableRecordException e) {
          LOG.trace("Not shown: {}", e.getMessage()); // it is a dead letter, or becomes one
        }
      }
    }
    reader.close(CloseOptions.timeout(Duration.ofMillis(500)));
  }

  private void remember(ConsumerRecord<byte[], byte[]> record, Map<String, String> texts) {
    InferenceRequest request =
        codec.deserialize(record.topic(), record.value(), InferenceRequest.class);
    texts.put(request.getRequestId(), RefusedRecord.beginning(request.getText()));
  }

  private void show(ConsumerRecord<byte[], byte[]> record, Map<String, String> texts) {
    Prediction prediction = codec.deserialize(record.topic(), record.value(), Prediction.class);
    String input = texts.remove(prediction.getRequestId());
    List<EventClient> watchers = streams.wanting(Channel.PREDICTIONS, prediction.getTaskId());
    if (!watchers.isEmpty()) {
      streams.send(
          watchers,
          "prediction",
          new Event(
              prediction.getRequestId(),
              prediction.getTaskId(),
              prediction.getLabel(),
              prediction.getValue(),
              prediction.getText(),
              prediction.getScore(),
              prediction.getAbstained(),
              prediction.getOutOfScope(),
              prediction.getAdapterVersion(),
              prediction.getTaught(),
              prediction.getPredictedAt(),
              prediction.getCreatedAt(),
              input));
    }
  }

  /** The beginnings of texts by request; the oldest are evicted. */
  private static final class Texts extends LinkedHashMap<String, String> {
    private static final long serialVersionUID = 1L;

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
      return size() > REMEMBERED_TEXTS;
    }
  }

  @PreDestroy
  void close() {
    Thread running;
    synchronized (this) {
      closed = true;
      running = thread;
      if (consumer != null) {
        consumer.wakeup();
      }
      notifyAll();
    }
    if (running != null) {
      try {
        running.join(1_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
