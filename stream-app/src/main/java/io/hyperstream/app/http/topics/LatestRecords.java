package io.hyperstream.app.http.topics;

import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * The latest of many, bounded in their number and in their bytes; the oldest are evicted. Any
 * thread.
 */
public final class LatestRecords<T> {
  private static final Comparator<Kept<?>> BY_TIME =
      Comparator.<Kept<?>, Instant>comparing(Kept::at)
          .thenComparing(Kept::partition)
          .thenComparing(Kept::offset);

  private final int maxCount;
  private final long maxBytes;
  private final TreeSet<Kept<T>> kept = new TreeSet<>(BY_TIME); // guarded by this
  private long bytes; // guarded by this

  private record Kept<T>(Instant at, int partition, long offset, int bytes, T value) {}

  LatestRecords(int maxCount, long maxBytes) {
    this.maxCount = maxCount;
    this.maxBytes = maxBytes;
  }

  synchronized void add(Instant at, int partition, long offset, int size, T value) {
    if (kept.add(new Kept<>(at, partition, offset, size, value))) {
      bytes += size;
    }
    while (kept.size() > maxCount || (bytes > maxBytes && kept.size() > 1)) {
      bytes -= kept.pollFirst().bytes();
    }
  }

  /** The newest first. */
  public synchronized List<T> newest(int limit, Predicate<T> wanted) {
    return kept.descendingSet().stream().map(Kept::value).filter(wanted).limit(limit).toList();
  }
}
