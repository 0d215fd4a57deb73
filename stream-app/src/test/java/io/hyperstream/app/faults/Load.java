package io.hyperstream.app.faults;

import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.RecordCodec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Produces {@link Traffic} on a thread of its own, never more than a fixed number of requests ahead
 * of the answers.
 */
final class Load implements AutoCloseable {
  /** Header with the request's id. */
  static final String ID_HEADER = "fault-test-id";

  private static final int ABORT_EVERY = 500;

  private final Traffic traffic;
  private final RecordCodec codec;
  private final String topic;
  private final IntSupplier answered;
  private final Flow flow;
  private final KafkaProducer<byte[], byte[]> producer;
  private final Optional<KafkaProducer<byte[], byte[]>> aborting;
  private final Map<Integer, Position> positions = new ConcurrentHashMap<>();
  private final Thread thread = new Thread(this::run, "fault-load");
  private volatile Throwable failure; // null while all is well
  private volatile int sent; // written by the thread
  private volatile int poison; // still to be sent at once
  private volatile boolean enough;
  private volatile boolean closed;

  /**
   * How much is sent.
   *
   * @param least how many are sent at least, also after {@link #finish}
   * @param ahead of the answers, at most
   * @param perSecond at most
   * @param aborts whether now and then requests are written in a transaction that is aborted: those
   *     must never be answered
   */
  record Flow(int least, int ahead, int perSecond, boolean aborts) {

    /** The application has work whenever it is alive. */
    static Flow full(int least) {
      return new Flow(least, 1_200, 1_000_000, true);
    }

    /** So many per second, answered or not, for two minutes at most. */
    static Flow steady(int perSecond) {
      return new Flow(1, 120 * perSecond, perSecond, false);
    }
  }

  /**
   * Where a request was written.
   *
   * @param sentAt {@link System#nanoTime}
   */
  record Position(TopicPartition partition, long offset, long sentAt) {}

  /**
   * @param answered how many requests have been answered so far
   */
  Load(
      Traffic traffic,
      RecordCodec codec,
      String topic,
      String bootstrapServers,
      IntSupplier answered,
      Flow flow) {
    this.traffic = traffic;
    this.codec = codec;
    this.topic = topic;
    this.answered = answered;
    this.flow = flow;
    producer = producer(Map.of("bootstrap.servers", bootstrapServers, "linger.ms", 5));
    aborting =
        Optional.of(
                Map.<String, Object>of(
                    "bootstrap.servers", bootstrapServers, "transactional.id", topic + "-aborting"))
            .filter(configs -> flow.aborts())
            .map(Load::producer);
    thread.setDaemon(true);
  }

  private static KafkaProducer<byte[], byte[]> producer(Map<String, Object> configs) {
    return new KafkaProducer<>(configs, new ByteArraySerializer(), new ByteArraySerializer());
  }

  Load start() {
    aborting.ifPresent(KafkaProducer::initTransactions);
    thread.start();
    return this;
  }

  private void run() {
    try {
      int next = 0;
      long pause = TimeUnit.SECONDS.toNanos(1) / flow.perSecond();
      long due = System.nanoTime();
      while (!closed && !(enough && next >= flow.least())) {
        if (poison > 0) {
          traffic.poison(next, next + poison);
          for (int i = poison; i > 0; i--) {
            send(traffic.request(next));
            sent = ++next;
          }
          poison = 0;
        }
        if (next - answered.getAsInt() >= flow.ahead() || System.nanoTime() < due) {
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
          continue;
        }
        send(traffic.request(next));
        sent = ++next;
        due += pause;
        if (next % ABORT_EVERY == 0 && aborting.isPresent()) {
          sendAndAbort(aborting.get());
        }
      }
      producer.flush();
    } catch (Throwable e) {
      failure = e;
    }
  }

  private void send(Traffic.Request request) {
    long sentAt = System.nanoTime();
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
                        new TopicPartition(topic, metadata.partition()),
                        metadata.offset(),
                        sentAt));
              }
            });
  }

  private void sendAndAbort(KafkaProducer<byte[], byte[]> transactional) {
    transactional.beginTransaction();
    for (int i = 0; i < 5; i++) {
      var unused = transactional.send(record(traffic.request(sent + i), "aborted-" + (sent + i)));
    }
    transactional.flush();
    transactional.abortTransaction();
  }

  private ProducerRecord<byte[], byte[]> record(Traffic.Request request, String id) {
    byte[] key = request.key() == null ? null : request.key().getBytes(StandardCharsets.UTF_8);
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, null, timeOf(request), key, request.encode(codec, topic));
    record.headers().add(ID_HEADER, id.getBytes(StandardCharsets.UTF_8));
    record
        .headers()
        .add(DeadLetterHeaders.TRACEPARENT, traceparent(request).getBytes(StandardCharsets.UTF_8));
    return record;
  }

  /** Every other hundred is a backfill, whose records have the time of long ago. */
  private static Long timeOf(Traffic.Request request) {
    return request.number() / 100 % 2 == 0 ? null : 1_600_000_000_000L + request.number();
  }

  static String traceparent(Traffic.Request request) {
    return "00-%032x-%016x-01".formatted(request.number() + 1, request.number() + 1);
  }

  /** Sends so many that can never be answered, at once, among the others; returns before that. */
  void poison(int requests) {
    poison = requests;
  }

  /** Sends what is missing to the least number, then no more; returns when all is written. */
  void finish(Duration patience) throws InterruptedException {
    enough = true;
    thread.join(patience.toMillis());
    check();
    if (thread.isAlive()) {
      throw new IllegalStateException(
          "the load is not through after "
              + patience
              + ": "
              + sent
              + " sent, at least "
              + flow.least()
              + " wanted, "
              + answered.getAsInt()
              + " answered");
    }
  }

  private void check() {
    if (failure != null) {
      throw new IllegalStateException("the load could not be produced", failure);
    }
  }

  /** Requests sent so far: numbers 0 to this, exclusive. */
  int sent() {
    check();
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
    aborting.ifPresent(transactional -> transactional.close(Duration.ofSeconds(5)));
  }
}
