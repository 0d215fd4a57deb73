package io.hyperstream.app.tracing;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Marker;

/**
 * Keeps what libraries log readable. Warnings that every healthy start or end has are left out.
 * What Kafka's clients warn about, they repeat for each of their connections: one of a kind is
 * logged per {@link #PAUSE_NANOS}, whichever client says it. Thread-safe; set up in {@code
 * logback.xml}.
 */
public final class LogFilter extends TurboFilter {
  static final long PAUSE_NANOS = 5_000_000_000L;

  /** Of a logger, part of a message that says nothing is wrong. */
  private static final Map<String, List<String>> HEALTHY =
      Map.of(
          // Every machine without a GPU; one that is asked for and missing is an error of ours.
          "ai.djl.util.cuda.CudaUtils", List.of("Failed to detect GPU count"),
          // A topic that Kafka Streams is just creating, and a client that two threads close.
          "org.apache.kafka.clients.NetworkClient",
              List.of(
                  "The metadata response from the cluster reported a recoverable issue",
                  "Attempting to close NetworkClient that has already been closed"),
          // Where a person or a test asked for it; state is restored from its topics.
          "org.apache.kafka.streams.processor.internals.StateDirectory",
              List.of("Using an OS temp directory"));

  /** Kinds are few: the formats of Kafka's clients. */
  private static final int MAX_KINDS = 1_000;

  private final LongSupplier clock;
  private final Map<String, AtomicLong> next = new ConcurrentHashMap<>();

  public LogFilter() {
    this(System::nanoTime);
  }

  LogFilter(LongSupplier nanoTime) {
    clock = nanoTime;
  }

  @Override
  public FilterReply decide(
      Marker marker, Logger logger, Level level, String format, Object[] params, Throwable t) {
    if (level != Level.WARN || format == null || !logger.isEnabledFor(level)) {
      return FilterReply.NEUTRAL;
    }
    String name = logger.getName();
    for (String part : HEALTHY.getOrDefault(name, List.of())) {
      if (format.contains(part)) {
        return FilterReply.DENY;
      }
    }
    boolean repeats = name.startsWith("org.apache.kafka.clients.") && !isDue(name, format);
    return repeats ? FilterReply.DENY : FilterReply.NEUTRAL;
  }

  private boolean isDue(String name, String format) {
    // "[Consumer clientId=..., groupId=...] " stands before what is said.
    String kind = name + format.substring(format.startsWith("[") ? format.indexOf(']') + 1 : 0);
    if (next.size() >= MAX_KINDS) {
      return true;
    }
    long now = clock.getAsLong();
    AtomicLong due = next.computeIfAbsent(kind, k -> new AtomicLong(now));
    long at = due.get();
    return now - at >= 0 && due.compareAndSet(at, now + PAUSE_NANOS);
  }
}
