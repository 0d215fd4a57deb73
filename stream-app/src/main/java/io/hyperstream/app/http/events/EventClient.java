package io.hyperstream.app.http.events;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.function.Consumer;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;

/**
 * One open stream. Events wait in a bounded queue until the connection takes them; when it is full
 * the oldest are dropped and counted. Any thread may offer, none ever waits.
 */
final class EventClient {
  private static final long NANOS = 1_000_000_000L;

  private final Channel channel;
  private final String task;
  private final int capacity;
  private final int perSecond;
  private final ArrayDeque<byte[]> waiting = new ArrayDeque<>(); // guarded by this
  private FluxSink<byte[]> sink; // guarded by this; null before someone subscribed
  private long skipped; // guarded by this
  private boolean telling; // guarded by this; whether skipped is to be told
  private long second; // guarded by this
  private int inSecond; // guarded by this
  private boolean ended; // guarded by this

  /**
   * @param task whose events alone are wanted; empty: all
   * @param capacity events that wait at most
   * @param perSecond events per second at most; the others are skipped
   */
  EventClient(Channel channel, String task, int capacity, int perSecond) {
    this.channel = channel;
    this.task = task;
    this.capacity = capacity;
    this.perSecond = perSecond;
  }

  Channel channel() {
    return channel;
  }

  boolean wants(String taskId) {
    return task.isEmpty() || task.equals(taskId);
  }

  /**
   * The stream, for one subscriber.
   *
   * @param onEnd called once, when the subscriber is gone
   */
  Flux<byte[]> flux(Consumer<EventClient> onEnd) {
    return Flux.create(
        created -> {
          synchronized (this) {
            sink = created;
            if (ended) {
              created.complete();
            }
          }
          created.onRequest(count -> drain());
          created.onDispose(() -> onEnd.accept(this));
        },
        FluxSink.OverflowStrategy.IGNORE); // never more than was asked for
  }

  /** Whether there is a place in this second; if not, it counts as skipped. */
  synchronized boolean admits(long nanoTime) {
    long now = Math.floorDiv(nanoTime, NANOS);
    if (now != second) {
      second = now;
      inSecond = 0;
    }
    if (inSecond >= perSecond) {
      skipped++;
      return false;
    }
    inSecond++;
    return true;
  }

  void offer(byte[] event) {
    synchronized (this) {
      if (ended) {
        return;
      }
      if (waiting.size() >= capacity) {
        skipped += waiting.removeFirst()[0] == ':' ? 0 : 1; // comments are no loss
      }
      waiting.addLast(event);
    }
    drain();
  }

  /** A comment, unless something waits already: it only shows that the connection lives. */
  synchronized void beat() {
    if (waiting.isEmpty()) {
      offer(": alive\n\n".getBytes(StandardCharsets.UTF_8));
    }
  }

  /** Tells what was missed since the last time, if anything was. */
  synchronized void tellSkipped() {
    telling = skipped > 0;
    drain();
  }

  /** What is told counts up until the connection takes it. */
  private synchronized void drain() {
    while (sink != null && (telling || !waiting.isEmpty()) && sink.requestedFromDownstream() > 0) {
      byte[] next = telling ? skippedEvent() : waiting.removeFirst();
      sink.next(next);
    }
  }

  private byte[] skippedEvent() {
    String event = String.format(Locale.ROOT, "event: skipped\ndata: {\"count\":%d}\n\n", skipped);
    skipped = 0;
    telling = false;
    return event.getBytes(StandardCharsets.UTF_8);
  }

  /** Ends the stream; what waits is not sent any more. */
  synchronized void end() {
    ended = true;
    telling = false;
    waiting.clear();
    if (sink != null) {
      sink.complete();
    }
  }
}
