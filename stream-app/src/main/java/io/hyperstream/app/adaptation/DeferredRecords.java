package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.SourcedRecord;
import io.hyperstream.app.adaptation.state.WaitingRecord;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Records that wait for another record, in groups named by what they wait for; bounded. Kept in a
 * changelogged store, so that they survive a crash. Stream thread only.
 */
final class DeferredRecords {
  private static final Comparator<WaitingRecord> BY_ARRIVAL =
      Comparator.comparingLong(WaitingRecord::getUntil)
          .thenComparing(waiting -> waiting.getRecord().getOffset());

  private final KeyValueStore<String, WaitingRecord> store;
  private final int capacity;
  private int size;
  private long nextUntil = Long.MAX_VALUE;

  /**
   * @param latest the longest that any record may wait from now; records with a later time arrived
   *     while the clock was wrong
   */
  DeferredRecords(KeyValueStore<String, WaitingRecord> store, int capacity, long latest) {
    this.store = store;
    this.capacity = capacity;
    List<KeyValue<String, WaitingRecord>> tooLong = new ArrayList<>();
    try (KeyValueIterator<String, WaitingRecord> all = store.all()) {
      while (all.hasNext()) {
        KeyValue<String, WaitingRecord> entry = all.next();
        size++;
        nextUntil = Math.min(nextUntil, Math.min(latest, entry.value.getUntil()));
        if (entry.value.getUntil() > latest) {
          tooLong.add(entry);
        }
      }
    }
    tooLong.forEach(
        entry -> store.put(entry.key, new WaitingRecord(entry.value.getRecord(), latest)));
  }

  /**
   * Adds a record that waits; one of the same id in the group is replaced by it.
   *
   * @return false if there is no space
   */
  boolean add(String group, String id, SourcedRecord record, long until) {
    String key = prefix(group) + id;
    boolean replaces = store.get(key) != null;
    if (!replaces && size >= capacity) {
      return false;
    }
    store.put(key, new WaitingRecord(record, until));
    size += replaces ? 0 : 1;
    nextUntil = Math.min(nextUntil, until);
    return true;
  }

  /** Removes one record; true if it was there. */
  boolean remove(String group, String id) {
    boolean there = store.delete(prefix(group) + id) != null;
    size -= there ? 1 : 0;
    return there;
  }

  /** Removes a whole group and returns it, in the order of arrival. */
  List<WaitingRecord> take(String group) {
    try (KeyValueIterator<String, WaitingRecord> found =
        store.prefixScan(prefix(group), new StringSerializer())) {
      return removed(found, waiting -> true);
    }
  }

  /** Removes the records whose time is over and returns them, in the order of arrival. */
  List<WaitingRecord> expired(long now) {
    if (now < nextUntil) {
      return List.of();
    }
    try (KeyValueIterator<String, WaitingRecord> all = store.all()) {
      nextUntil = Long.MAX_VALUE;
      return removed(
          all,
          waiting -> {
            if (waiting.getUntil() > now) {
              nextUntil = Math.min(nextUntil, waiting.getUntil());
              return false;
            }
            return true;
          });
    }
  }

  private List<WaitingRecord> removed(
      KeyValueIterator<String, WaitingRecord> from, Predicate<WaitingRecord> which) {
    List<String> keys = new ArrayList<>();
    List<WaitingRecord> records = new ArrayList<>();
    while (from.hasNext()) {
      KeyValue<String, WaitingRecord> entry = from.next();
      if (which.test(entry.value)) {
        keys.add(entry.key);
        records.add(entry.value);
      }
    }
    keys.forEach(store::delete);
    size -= keys.size();
    records.sort(BY_ARRIVAL);
    return records;
  }

  /** No group's prefix begins another's, whatever is in their names. */
  private static String prefix(String group) {
    return group.length() + ":" + group + "/";
  }
}
