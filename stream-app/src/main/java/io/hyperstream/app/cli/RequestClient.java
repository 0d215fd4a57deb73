package io.hyperstream.app.cli;

import io.hyperstream.schemas.InferenceRequest;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.WakeupException;

/**
 * Sends requests and hears what is committed from then on, predictions and dead letters, on a
 * thread of its own. What fails on either way shows in {@link #throwFailure}.
 */
final class RequestClient implements AutoCloseable {
  private final Connection cluster;
  private final String of;
  private final Producer<String, byte[]> producer;
  private final TopicReader reader;
  private final BiConsumer<ConsumerRecord<byte[], byte[]>, Long> heard;
  private final Thread receiver;
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private volatile boolean stop;

  /**
   * Takes its position in the topics now; {@link #listen} begins.
   *
   * @param of whose client it is, for messages and the thread's name
   * @param heard each record with the {@link System#nanoTime} it came at
   */
  RequestClient(
      Connection cluster, String of, BiConsumer<ConsumerRecord<byte[], byte[]>, Long> heard) {
    this.cluster = cluster;
    this.of = of;
    this.heard = heard;
    producer = cluster.producer();
    reader =
        new TopicReader(
            cluster.consumer(),
            List.of(cluster.topics().predictions().name(), cluster.topics().deadLetters().name()),
            false);
    receiver = new Thread(this::receive, of + "-consumer");
    receiver.setDaemon(true);
  }

  void listen() {
    receiver.start();
  }

  /** A request as it travels. */
  byte[] request(String requestId, String taskId, String text, Optional<String> textPair) {
    InferenceRequest request =
        InferenceRequest.newBuilder()
            .setRequestId(requestId)
            .setTaskId(taskId)
            .setText(text)
            .setTextPair(textPair.orElse(null))
            .setCreatedAt(Instant.now().truncatedTo(ChronoUnit.MILLIS))
            .build();
    return cluster.codec().serialize(cluster.topics().requests().name(), request);
  }

  /** Sends a request, well-formed or not, under its id. */
  void send(String requestId, byte[] value) {
    send(new ProducerRecord<>(cluster.topics().requests().name(), requestId, value));
  }

  /** Sends any record. */
  // Each send's outcome reaches the callback.
  @SuppressWarnings("FutureReturnValueIgnored")
  void send(ProducerRecord<String, byte[]> record) {
    producer.send(
        record,
        (metadata, exception) -> {
          if (exception != null) {
            failure.compareAndSet(null, exception);
          }
        });
  }

  void flush() {
    producer.flush();
  }

  void throwFailure() {
    Exception cause = failure.get();
    if (cause != null) {
      throw CommandFailure.failed(
          "the " + of + "'s client failed: " + Failures.sentence(cause, true), cause);
    }
  }

  private void receive() {
    try {
      while (!stop) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(100))) {
          heard.accept(record, System.nanoTime());
        }
      }
    } catch (WakeupException e) {
      // Closed while waiting for records.
    } catch (RuntimeException e) {
      failure.compareAndSet(null, e);
    } finally {
      reader.close();
    }
  }

  /** Stops listening after the poll that is under way. */
  void finish(Duration patience) throws InterruptedException {
    stop = true;
    receiver.join(patience.toMillis());
    throwFailure();
  }

  @Override
  public void close() {
    stop = true;
    producer.close(Duration.ofSeconds(2));
    if (receiver.isAlive()) {
      reader.wakeup();
      try {
        receiver.join(3000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
