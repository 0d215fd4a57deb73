package io.hyperstream.app.faults;

import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.RecordCodec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Produces {@link Traffic} on a thread of its own, always a fixed number of requests ahead of the
 * answers, so that the application has work whenever it is alive. Now and then it writes requests
 * in a transaction that it aborts: those must never be answered.
 */
final class Load implements AutoCloseable {
  /** Header with the request's id. */
  static final String ID_HEADER = "fault-test-id";

  private static final int AHEAD = 1_200;
  private static final int ABORT_EVERY = 500;

  private final Traffic traffic;
  private final RecordCodec codec;
  private final String topic;
  private final IntSupplier answered;
  private final int least;
  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaProducer<byte[], byte[]> aborting;
  private final Map<Integer, Position> positions = new ConcurrentHashMap<>();
  private final Thread thread = new Thread(this::run, "fault-load");
  private volatile Throwable failure; // null while all is well
  private volatile int sent; // written by the thread
  private volatile boolean enough;
  private volatile boolean closed;

  /** Where a request was written. */
  record Position(TopicPartition partition, long offset) {}

  /**
   * @param answered how many requests have been answered so far
   * @param least how many are sent at least, also after {@link #finish}
   */
  Load(
      Traffic traffic,
      RecordCodec codec,
      String topic,
      String bootstrapServers,
      IntSupplier answered,
      int least) {
    this.traffic = traffic;
    this.codec = codec;
    this.topic = topic;
    this.answered = answered;
    this.least = least;
    producer = producer(Map.of("bootstrap.servers", bootstrapServers, "linger.ms", 5));
    aborting =
        producer(
            Map.of("bootstrap.servers", bootstrapServers, "transactional.id", topic + "-aborting"));
    thread.setDaemon(true);
  }

  private static KafkaProducer<byte[], byte[]> producer(Map<String, Object> configs) {
    return new KafkaProducer<>(configs, new ByteArraySerializer(), new ByteArraySerializer());
  }

  Load start() {
    aborting.initTransactions();
    thread.start();
    return this;
  }

  private void run() {
    try {
      int next = 0;
      while (!closed && !(enough && next >= least)) {
        if (next - answered.getAsInt() >= AHEAD) {
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
          continue;
        }
        send(traffic.request(next));
        sent = ++next;
        if (next % ABORT_EVERY == 0) {
          sendAndAbort();
        }
      }
      producer.flush();
    } catch (Throwable e) {
      failure = e;
    }
  }

  private void send(Traffic.Request request) {
    var unused =
        producer.send(
            record(request, request.id()),
            (metadata, e) -> {
              if (e != null) {
                failure = e;
              } else {
                positions.put(
                    request.number(),
                    new Position(
                        new TopicPartition(topic, metadata.partition()), metadata.offset()));
              }
            });
  }

  private void sendAndAbort() {
    aborting.beginTransaction();
    for (int i = 0; i < 5; i++) {
      var unused = aborting.send(record(traffic.request(sent + i), "aborted-" + (sent + i)));
    }
    aborting.flush();
    aborting.abortTransaction();
  }

  private ProducerRecord<byte[], byte[]> record(Traffic.Request request, String id) {
    byte[] key = request.key() == null ? null : request.key().getBytes(StandardCharsets.UTF_8);
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, key, request.encode(codec, topic));
    record.headers().add(ID_HEADER, id.getBytes(StandardCharsets.UTF_8));
    record
        .headers()
        .add(DeadLetterHeaders.TRACEPARENT, traceparent(request).getBytes(StandardCharsets.UTF_8));
    return record;
  }

  static String traceparent(Traffic.Request request) {
    return "00-%032x-%016x-01".formatted(request.number() + 1, request.number() + 1);
  }

  /** Sends what is missing to the least number, then no more; returns when all is written. */
  void finish(Duration patience) throws InterruptedException {
    enough = true;
    thread.join(patience.toMillis());
    if (failure != null) {
      throw new IllegalStateException("the load could not be produced", failure);
    }
    if (thread.isAlive()) {
      throw new IllegalStateException(
          "the load is not through after "
              + patience
              + ": "
              + sent
              + " sent, at least "
              + least
              + " wanted, "
              + answered.getAsInt()
              + " answered");
    }
  }

  /** Requests sent so far: numbers 0 to this, exclusive. */
  int sent() {
    return sent;
  }

  /** By request number; complete after {@link #finish}. */
  Map<Integer, Position> positions() {
    return positions;
  }

  @Override
  public void close() {
    closed = true;
    try {
      thread.join(TimeUnit.SECONDS.toMillis(30));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    producer.close(Duration.ofSeconds(5));
    aborting.close(Duration.ofSeconds(5));
  }
}
