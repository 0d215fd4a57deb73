package io.hyperstream.app.inference;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.kafka.common.TopicPartition;

/**
 * The oldest polled requests of one stream thread are in the engine; the others wait here for their
 * turn. Confined to that thread.
 *
 * <p>Partitions take turns, because that is how the thread processes them. The window is bounded in
 * rows and bytes, whatever the number of partitions, except that every partition may always have
 * {@code minRowsPerPartition} rows in it, so that no partition's turn comes unprepared.
 *
 * <p>Memory: rows in the window hold, beside the record's bytes (shared with Kafka Streams' own
 * buffer), the decoded request (about 2.5 times its bytes) and at most 4 bytes per token of the
 * model's source length. So a thread holds at most {@code maxBytes} times 3.5 plus {@code maxRows}
 * times (4 x source length + 300) bytes, plus {@code minRowsPerPartition} requests for each
 * partition beyond the window; each request still waiting outside costs about 150 bytes, and there
 * are at most {@code max.poll.records} of them.
 */
final class PrefetchWindow {

  /** What a join found. */
  enum Found {
    /** In the engine, or through it. */
    SUBMITTED,
    /** Polled, but still waiting outside the window. */
    WAITING
  }

  /** What a join found and where. */
  record Taken(PendingRequest pending, Found found) {}

  private static final class Lane {
    final ArrayDeque<PendingRequest> submitted = new ArrayDeque<>();
    final ArrayDeque<PendingRequest> waiting = new ArrayDeque<>();
    long lastOffset = -1;
  }

  private final int maxRows;
  private final long maxBytes;
  private final int minRowsPerPartition;
  private final Consumer<PendingRequest> submit;
  private final Map<TopicPartition, Lane> lanes = new LinkedHashMap<>();
  private final ArrayDeque<Lane> turns = new ArrayDeque<>(); // lanes with waiting requests
  private int rows;
  private long bytes;

  /**
   * @param submit hands a request to preparation and engine; must neither wait nor throw
   */
  PrefetchWindow(
      int maxRows, long maxBytes, int minRowsPerPartition, Consumer<PendingRequest> submit) {
    if (maxRows < 1 || maxBytes < 1 || minRowsPerPartition < 1) {
      throw new IllegalArgumentException(
          "a prefetch window needs at least 1 row, 1 byte and 1 row per partition; got "
              + maxRows
              + ", "
              + maxBytes
              + " and "
              + minRowsPerPartition);
    }
    this.maxRows = maxRows;
    this.maxBytes = maxBytes;
    this.minRowsPerPartition = minRowsPerPartition;
    this.submit = submit;
  }

  /**
   * Takes note of a polled request. An offset that does not grow means that the consumer was
   * rewound (a transaction was aborted, the partition came back): what was known of the partition
   * is evicted first. Call {@link #fill} after the last of a poll.
   */
  void polled(RawRequest raw) {
    Lane lane = lanes.computeIfAbsent(raw.partition(), partition -> new Lane());
    if (raw.offset() <= lane.lastOffset) {
      clear(lane);
    }
    lane.lastOffset = raw.offset();
    if (lane.waiting.isEmpty()) {
      turns.addLast(lane);
    }
    lane.waiting.addLast(new PendingRequest(raw));
  }

  /** Submits waiting requests, partition by partition, until the window is full. */
  void fill() {
    int passedOver = 0;
    while (passedOver < turns.size()) {
      Lane lane = turns.pollFirst();
      if (isOpenTo(lane)) {
        submitNext(lane);
        passedOver = 0;
      } else {
        passedOver++;
      }
      if (!lane.waiting.isEmpty()) {
        turns.addLast(lane);
      }
    }
  }

  private boolean isOpenTo(Lane lane) {
    if (lane.submitted.size() < minRowsPerPartition) {
      return true;
    }
    int next = lane.waiting.peekFirst().raw().size();
    int share = maxRows / (turns.size() + 1); // this lane and the others that wait
    return rows < maxRows && bytes + next <= maxBytes && lane.submitted.size() < share;
  }

  private void submitNext(Lane lane) {
    PendingRequest next = lane.waiting.pollFirst();
    lane.submitted.addLast(next);
    rows++;
    bytes += next.raw().size();
    submit.accept(next);
  }

  /**
   * Takes the request the thread is about to process out of the window, evicts what lies before it
   * in its partition, and submits the next ones.
   *
   * @return empty if this record was never polled through here, or another record was
   */
  Optional<Taken> take(RawRequest raw) {
    Lane lane = lanes.get(raw.partition());
    if (lane == null) {
      return Optional.empty();
    }
    Optional<Taken> taken =
        takeSubmitted(lane, raw).or(() -> takeWaiting(lane, raw.offset())).filter(t -> is(t, raw));
    fill();
    return taken;
  }

  private Optional<Taken> takeSubmitted(Lane lane, RawRequest raw) {
    while (!lane.submitted.isEmpty() && lane.submitted.peekFirst().raw().offset() <= raw.offset()) {
      PendingRequest first = lane.submitted.pollFirst();
      rows--;
      bytes -= first.raw().size();
      if (first.raw().offset() == raw.offset()) {
        return Optional.of(new Taken(first, Found.SUBMITTED));
      }
      first.evict();
    }
    return Optional.empty();
  }

  private Optional<Taken> takeWaiting(Lane lane, long offset) {
    if (!lane.submitted.isEmpty()) {
      return Optional.empty(); // what waits is newer still
    }
    Optional<Taken> taken = Optional.empty();
    while (!lane.waiting.isEmpty() && lane.waiting.peekFirst().raw().offset() <= offset) {
      PendingRequest first = lane.waiting.pollFirst();
      if (first.raw().offset() == offset) {
        taken = Optional.of(new Taken(first, Found.WAITING));
      }
    }
    if (lane.waiting.isEmpty()) {
      turns.remove(lane);
    }
    return taken;
  }

  /** The same offset may hold another record after the topic was deleted and recreated. */
  private static boolean is(Taken taken, RawRequest raw) {
    byte[] polled = taken.pending.raw().value();
    boolean same = polled == raw.value() || Arrays.equals(polled, raw.value());
    if (!same) {
      taken.pending.evict();
    }
    return same;
  }

  /** Forgets a partition that was taken away. */
  void evict(TopicPartition partition) {
    Lane lane = lanes.remove(partition);
    if (lane != null) {
      clear(lane);
      fill();
    }
  }

  /** Forgets everything: the consumer is closed. */
  void clear() {
    lanes.values().forEach(this::clear);
    lanes.clear();
  }

  private void clear(Lane lane) {
    for (PendingRequest pending : lane.submitted) {
      rows--;
      bytes -= pending.raw().size();
      pending.evict();
    }
    lane.submitted.clear();
    lane.waiting.clear();
    lane.lastOffset = -1;
    turns.remove(lane);
  }

  /** Requests in the engine or waiting there to be joined. */
  int rows() {
    return rows;
  }

  /** Bytes of their values. */
  long bytes() {
    return bytes;
  }
}
