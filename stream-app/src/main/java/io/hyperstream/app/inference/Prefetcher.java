package io.hyperstream.app.inference;

import io.hyperstream.app.inference.PrefetchWindow.Found;
import io.hyperstream.app.inference.PrefetchWindow.Taken;
import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.app.tracing.LogFields;
import io.hyperstream.schemas.Backoff;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.errors.StreamsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Computes ahead of the topology: polled requests go to the engine, and a processor joins each when
 * its turn comes. One window per stream thread, found through the calling thread, since poll,
 * process and close all happen on it; so all methods but {@link #drainWithin} are for stream
 * threads.
 *
 * <p>Nothing here is state: an offset is committed only after its prediction was forwarded, and
 * what is lost here is computed again.
 */
final class Prefetcher {
  private static final Logger LOG = LoggerFactory.getLogger(Prefetcher.class);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  /**
   * How far and how long.
   *
   * @param rows requests per stream thread in the engine, at most
   * @param bytes their values' bytes, at most
   * @param rowsPerPartition what every partition may have there all the same
   * @param joinDeadline how long a record waits for its outcome before its thread starts over from
   *     the last commit
   */
  record Limits(int rows, long bytes, int rowsPerPartition, Duration joinDeadline) {}

  private final Consumer<PendingRequest> computeNow;
  private final Limits limits;
  private final InferenceMetrics metrics;
  private final InferenceSpans spans;
  private final ThreadLocal<PrefetchWindow> windows;
  private volatile long drainUntil = Long.MAX_VALUE; // nanoTime; MAX_VALUE while running

  /**
   * @param compute begins to compute a request; must not wait
   * @param computeNow the same for a request a thread waits for: before others, and it may wait
   */
  Prefetcher(
      Consumer<PendingRequest> compute,
      Consumer<PendingRequest> computeNow,
      Limits limits,
      InferenceMetrics metrics,
      InferenceSpans spans) {
    this.computeNow = computeNow;
    this.limits = limits;
    this.metrics = metrics;
    this.spans = spans;
    Consumer<PendingRequest> begin = pending -> begin(pending, compute);
    windows =
        ThreadLocal.withInitial(
            () ->
                new PrefetchWindow(
                    limits.rows(), limits.bytes(), limits.rowsPerPartition(), begin));
  }

  private void begin(PendingRequest pending, Consumer<PendingRequest> how) {
    pending.begin(spans.request(pending.raw()));
    how.accept(pending);
  }

  /** Before the topology sees a poll. Does not wait. */
  void polled(ConsumerRecords<byte[], byte[]> records) {
    PrefetchWindow window = windows.get();
    for (TopicPartition partition : records.partitions()) {
      for (ConsumerRecord<byte[], byte[]> record : records.records(partition)) {
        window.polled(
            new RawRequest(
                partition, record.offset(), record.timestamp(), record.value(), record.headers()));
      }
    }
    window.fill();
  }

  /**
   * The record being processed, out of the window: on its way since its prefetch, or from now on.
   * The caller waits for it by {@link #join}, and ends its span.
   */
  PendingRequest take(RawRequest raw) {
    Optional<Taken> taken = windows.get().take(raw);
    boolean ready = taken.isPresent() && taken.get().found() == Found.SUBMITTED;
    (ready ? metrics.prefetchHits : metrics.prefetchMisses).increment();
    PendingRequest pending = taken.map(Taken::pending).orElseGet(() -> new PendingRequest(raw));
    if (!ready) {
      begin(pending, computeNow);
    }
    return pending;
  }

  /**
   * Its outcome: waits for it. While the registry or the device is down it tries again with
   * back-off.
   *
   * @param taken by {@link #take}
   * @throws StreamsException at the deadline, or when the shutdown leaves no more time; the record
   *     is not committed and will be read again
   */
  Outcome join(PendingRequest taken) {
    PendingRequest pending = taken;
    RawRequest raw = taken.raw();
    long deadline = System.nanoTime() + limits.joinDeadline().toNanos();
    Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, metrics.retries::increment);
    try {
      while (true) {
        try {
          return pending.await(left(deadline));
        } catch (NotNowException e) {
          long pause = backoff.failed().toNanos();
          notYet(pending, e, backoff.isToBeSaid());
          TimeUnit.NANOSECONDS.sleep(Math.min(pause, left(deadline)));
          if (left(deadline) <= 0) {
            throw new StreamsException(giveUp(raw), e);
          }
          pending = pending.again();
          computeNow.accept(pending);
        }
      }
    } catch (TimeoutException e) {
      pending.abandon(new NotNowException("nobody waits any more", e));
      throw new StreamsException(giveUp(raw), e);
    } catch (InterruptedException e) {
      pending.abandon(new NotNowException("nobody waits any more", e));
      Thread.currentThread().interrupt();
      throw new StreamsException("interrupted while waiting for an answer", e);
    }
  }

  @SuppressWarnings("try") // the fields last as long as the block
  private static void notYet(PendingRequest pending, NotNowException why, boolean toBeSaid) {
    RawRequest raw = pending.raw();
    pending.span().addEvent("retry");
    if (!toBeSaid) {
      return;
    }
    try (LogFields fields =
        LogFields.ofRequest(pending.requestId(), pending.taskId(), pending.span())) {
      LOG.warn("No answer for {} at {} yet: {}", raw.partition(), raw.offset(), reason(why));
    }
  }

  private static String reason(NotNowException e) {
    return e.getCause() == null ? e.getMessage() : e.getMessage() + ": " + e.getCause();
  }

  private String giveUp(RawRequest raw) {
    return "no answer for "
        + raw.partition()
        + " at offset "
        + raw.offset()
        + (isDraining() ? " before the shutdown's end" : " within " + limits.joinDeadline())
        + "; nothing of it is committed, it will be read again";
  }

  /** Time left; while shutting down, also for the end of that. */
  private long left(long deadline) {
    long now = System.nanoTime();
    long left = deadline - now;
    return Math.max(0, isDraining() ? Math.min(left, drainUntil - now) : left);
  }

  private boolean isDraining() {
    return drainUntil != Long.MAX_VALUE;
  }

  /** The partition is no longer this thread's. */
  void evict(TopicPartition partition) {
    windows.get().evict(partition);
  }

  /** This thread's consumer is closed. */
  void consumerClosed() {
    windows.get().clear();
    windows.remove();
  }

  /** From now on no join lasts longer than this. Any thread. */
  void drainWithin(Duration patience) {
    drainUntil = System.nanoTime() + patience.toNanos();
  }
}
