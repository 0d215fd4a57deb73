package io.hyperstream.app.inference;

import io.hyperstream.app.streams.NotNowException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * Makes define-then-send work: before a task is called unknown, the catalog must have reached the
 * end the definitions topic had after the request was seen. Checks run on one thread of their own,
 * and all that are asked for while one runs become one. A check that is not through after two
 * seconds concludes nothing: to be slow is no reason to turn a request away for good. The answer
 * for a task holds for a second, for requests that are older than the check was when it began: what
 * was defined since then it has not seen. Thread-safe.
 *
 * <p>A consumer of its own looks at what lies between the catalog and the end, because compaction
 * and transaction markers leave offsets no record will ever advance the catalog to.
 */
final class CatalogFreshness implements UnknownTaskCheck, AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final String SLOW = "the task definitions are not read to their end in time";
  private static final long NEGATIVE_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int REMEMBERED_TASKS = 10_000;

  private final TaskCatalog catalog;
  private final String topic;
  private final Supplier<Consumer<byte[], byte[]>> consumers;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread checker = new Thread(task, "hyperstream-catalog-check");
            checker.setDaemon(true);
            return checker;
          });

  /** Compared with requests by the clock, and with now whatever happens to the clock. */
  private record Since(long epochMillis, long nanos) {}

  private final LongSupplier clock;
  private final LongSupplier nanoTime;
  private final Map<String, Since> unknownSince = // guarded by this
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Since> eldest) {
          return size() > REMEMBERED_TASKS;
        }
      };
  private CompletableFuture<Since> next; // guarded by this; asked for, not begun
  private Consumer<byte[], byte[]> consumer; // checker thread only

  /**
   * @param consumers makes a read-committed consumer without a group
   */
  CatalogFreshness(
      TaskCatalog catalog, String topic, Supplier<Consumer<byte[], byte[]>> consumers) {
    this(catalog, topic, consumers, System::currentTimeMillis, System::nanoTime);
  }

  CatalogFreshness(
      TaskCatalog catalog,
      String topic,
      Supplier<Consumer<byte[], byte[]>> consumers,
      LongSupplier clock,
      LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.catalog = catalog;
    this.topic = topic;
    this.consumers = consumers;
    this.clock = clock;
  }

  @Override
  public synchronized CompletableFuture<Void> caughtUp(String taskId, long requestTimestamp) {
    Since since = unknownSince.get(taskId);
    if (since != null
        && requestTimestamp <= since.epochMillis
        && nanoTime.getAsLong() - since.nanos < NEGATIVE_NANOS) {
      return CompletableFuture.completedFuture(null);
    }
    if (next == null) {
      next = new CompletableFuture<>();
      try {
        thread.execute(this::run);
      } catch (RejectedExecutionException e) {
        return CompletableFuture.failedFuture(new NotNowException("closing", e));
      }
    }
    return next.thenAccept(begun -> remember(taskId, begun));
  }

  private synchronized void remember(String taskId, Since begun) {
    unknownSince.remove(taskId); // to the young end
    unknownSince.put(taskId, begun);
  }

  private void run() {
    CompletableFuture<Since> check;
    Since begun;
    synchronized (this) {
      check = next;
      next = null; // whoever asks from here on may have seen a later end
      begun = new Since(clock.getAsLong(), nanoTime.getAsLong());
    }
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    try {
      for (Map.Entry<TopicPartition, Long> target : targets(deadline).entrySet()) {
        long left = deadline - System.nanoTime();
        if (!catalog.awaitPosition(target.getKey().partition(), target.getValue(), left)) {
          throw new NotNowException(catalog.stalled().orElse(SLOW), null);
        }
      }
      check.complete(begun);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      check.completeExceptionally(new NotNowException("interrupted", e));
    } catch (NotNowException e) {
      check.completeExceptionally(e);
    } catch (RuntimeException e) {
      closeConsumer();
      check.completeExceptionally(new NotNowException("cannot read the end of topic " + topic, e));
    }
  }

  /** The offset after the last record the catalog has not seen yet, of partitions with any. */
  private Map<TopicPartition, Long> targets(long deadline) {
    if (consumer == null) {
      consumer = consumers.get();
    }
    List<TopicPartition> partitions =
        consumer.partitionsFor(topic, PATIENCE).stream()
            .map(info -> new TopicPartition(topic, info.partition()))
            .toList();
    Map<TopicPartition, Long> behind = new HashMap<>(consumer.endOffsets(partitions, PATIENCE));
    behind.entrySet().removeIf(e -> catalog.position(e.getKey().partition()) >= e.getValue());
    consumer.assign(behind.keySet());
    behind
        .keySet()
        .forEach(partition -> consumer.seek(partition, catalog.position(partition.partition())));
    Map<TopicPartition, Long> targets = new HashMap<>();
    while (!reached(behind)) {
      if (System.nanoTime() >= deadline) {
        throw new NotNowException(SLOW, null);
      }
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
        targets.put(new TopicPartition(topic, record.partition()), record.offset() + 1);
      }
    }
    return targets;
  }

  private boolean reached(Map<TopicPartition, Long> ends) {
    return ends.entrySet().stream()
        .allMatch(end -> consumer.position(end.getKey(), PATIENCE) >= end.getValue());
  }

  private void closeConsumer() {
    if (consumer != null) {
      try {
        consumer.close();
      } catch (KafkaException ignored) {
        // It is given up anyway.
      }
      consumer = null;
    }
  }

  @Override
  public void close() {
    thread.execute(this::closeConsumer);
    thread.shutdown();
    try {
      if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
