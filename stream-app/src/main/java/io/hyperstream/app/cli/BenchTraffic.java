package io.hyperstream.app.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Asks one application and holds every answer against its request. One thread sends and waits, one
 * of its own receives; answers count when a reader of committed records has them.
 */
final class BenchTraffic implements AutoCloseable {
  private static final long STALL_NANOS = TimeUnit.SECONDS.toNanos(90);

  /** What happens to a phase's answers; on the receiving thread. */
  interface Phase {
    /**
     * @param dueNanos when the request was to be sent
     */
    void answered(long dueNanos, long nowNanos, ConsumerRecord<byte[], byte[]> record);
  }

  private record Sent(long dueNanos, Phase phase) {}

  private final Connection cluster;
  private final BenchTexts texts;
  private final Runnable alive;
  private final RequestClient client;
  private final Map<Integer, Sent> outstanding = new ConcurrentHashMap<>();
  private int next; // sending thread
  private volatile int answered;
  private volatile int twice;
  private volatile int refused;
  private volatile String refusal = "";

  /**
   * @param alive throws if the application has ended
   */
  BenchTraffic(Connection cluster, BenchTexts texts, Runnable alive) {
    this.cluster = cluster;
    this.texts = texts;
    this.alive = alive;
    client = new RequestClient(cluster, "benchmark", this::received);
    client.listen();
  }

  /** Requests answered so far. */
  int answered() {
    return answered;
  }

  /** Requests that wait for their answer. */
  int backlog() {
    return outstanding.size();
  }

  /** What went wrong with answers so far; empty if nothing did. */
  List<String> faults() {
    List<String> faults = new ArrayList<>();
    if (twice > 0) {
      faults.add(twice + " answers beyond the first");
    }
    if (refused > 0) {
      faults.add(refused + " requests in the dead letters, the last because " + refusal);
    }
    return faults;
  }

  /**
   * Keeps as many requests waiting as given until all are sent, then waits for the last. The rate
   * counts from a fifth of the answers, when everything is under way, to the last but a twentieth.
   *
   * @return answers per second
   */
  double saturate(int requests, int backlog) throws InterruptedException {
    Arrivals arrivals = new Arrivals();
    for (int i = 0; i < requests; i++) {
      while (outstanding.size() >= backlog) {
        check();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        interruptible();
      }
      send(text(next), System.nanoTime(), arrivals);
    }
    awaitAnswers();
    return arrivals.rate(requests / 5, requests - requests / 20);
  }

  /**
   * Sends on a fixed schedule whatever comes back, and waits for the last answer.
   *
   * @param text of the request with this number
   * @param more asked before each
   * @return how late requests were sent and how many waited when the last was
   */
  Schedule steady(double rate, IntFunction<BenchTexts.Text> text, BooleanSupplier more, Phase phase)
      throws InterruptedException {
    Schedule schedule = new Schedule();
    long start = System.nanoTime();
    for (int i = 0; more.getAsBoolean(); i++) {
      long due = start + (long) (i * 1e9 / rate);
      DemoTraffic.sleepUntil(due);
      schedule.sent(System.nanoTime() - due);
      send(text.apply(i), due, phase);
      check();
    }
    schedule.backlog = outstanding.size();
    awaitAnswers();
    return schedule;
  }

  /** The text of a request's number, all in turn. */
  BenchTexts.Text text(int number) {
    return texts.texts().get(Math.floorMod(number, texts.texts().size()));
  }

  private void send(BenchTexts.Text text, long due, Phase phase) {
    String id = Integer.toString(next);
    byte[] request = client.request(id, text.task().getTaskId(), text.text(), text.textPair());
    outstanding.put(next++, new Sent(due, phase));
    client.send(id, request);
  }

  private void awaitAnswers() throws InterruptedException {
    int last = answered;
    long since = System.nanoTime();
    while (!outstanding.isEmpty()) {
      check();
      TimeUnit.MILLISECONDS.sleep(2);
      if (answered != last) {
        last = answered;
        since = System.nanoTime();
      } else if (System.nanoTime() - since > STALL_NANOS) {
        throw CommandFailure.failed(outstanding.size() + " requests were not answered");
      }
    }
  }

  private void check() {
    alive.run();
    client.throwFailure();
  }

  private static void interruptible() throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
  }

  // Only the receiving thread writes the counters.
  @SuppressWarnings("NonAtomicVolatileUpdate")
  private void received(ConsumerRecord<byte[], byte[]> record, long now) {
    Sent sent = outstanding.remove(Integer.valueOf(Rendering.key(record)));
    if (sent == null) {
      twice++;
      return;
    }
    if (record.topic().equals(cluster.topics().deadLetters().name())) {
      refused++;
      refusal = new DeadLetter(record).message();
    } else {
      sent.phase().answered(sent.dueNanos(), now, record);
    }
    answered++;
  }

  @Override
  public void close() {
    client.close();
  }

  /** How a fixed schedule was kept. */
  static final class Schedule {
    private final org.HdrHistogram.Histogram lateMicros =
        new org.HdrHistogram.Histogram(TimeUnit.MINUTES.toMicros(10), 3);
    private int backlog;

    private void sent(long lateNanos) {
      long micros = TimeUnit.NANOSECONDS.toMicros(Math.max(0, lateNanos));
      lateMicros.recordValue(Math.min(micros, lateMicros.getHighestTrackableValue()));
    }

    double lateMillis(double percentile) {
      return lateMicros.getValueAtPercentile(percentile) / 1000.0;
    }

    /** Requests that waited for an answer when the last was sent. */
    int backlog() {
      return backlog;
    }
  }

  /** When answers came; those of one poll came together. */
  private static final class Arrivals implements Phase {
    private final List<long[]> polls = new ArrayList<>(); // nanos, answers up to then
    private long count;

    @Override
    public synchronized void answered(
        long dueNanos, long nowNanos, ConsumerRecord<byte[], byte[]> record) {
      count++;
      long[] last = polls.isEmpty() ? null : polls.get(polls.size() - 1);
      // One commit of the application arrives within a moment.
      if (last != null && nowNanos - last[0] < TimeUnit.MILLISECONDS.toNanos(1)) {
        last[1] = count;
      } else {
        polls.add(new long[] {nowNanos, count});
      }
    }

    /** Answers per second between the first arrivals beyond two counts. */
    synchronized double rate(int from, int to) {
      long[] first = beyond(from);
      long[] last = beyond(to);
      if (first[0] == last[0]) {
        throw CommandFailure.failed(
            "all answers came at once; give it more requests with --seconds");
      }
      return (last[1] - first[1]) * 1e9 / (last[0] - first[0]);
    }

    private long[] beyond(int answers) {
      return polls.stream().filter(poll -> poll[1] >= answers).findFirst().orElseThrow();
    }
  }
}
