package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.StoredExample;
import io.hyperstream.app.adaptation.state.StoredVector;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.training.Example;
import io.micrometer.core.instrument.Counter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The labelled texts each task keeps, one store entry each under {@code taskId/hash}, a text once.
 * A new text is always accepted. If its label is full, another example of that label is evicted,
 * chosen by the new text's hash: at random, but the same on every replay. So labels stay balanced
 * and the examples follow the traffic. An example that is evicted before it was tested is removed
 * after its test, so that the running accuracy counts it.
 *
 * <p>Examples whose label is no longer defined are set aside: they are not used for training until
 * a definition has the label again. They count in a task's bytes and are evicted first.
 *
 * <p>The model's vector of a text is kept in a second store under the same key while there is
 * space. It is removed with its text, and vectors are evicted before texts. Stream thread only.
 */
final class ExampleBuffer {
  /** What an example costs beside its texts. */
  private static final int OVERHEAD_BYTES = 200;

  /** The part of the bytes, one in this many, for evicted examples that wait for their test. */
  private static final int LEAVING_SHARE = 8;

  /** Tasks whose examples are indexed in memory; the others are read when they are next needed. */
  private static final int INDEXED_TASKS = 32;

  private final KeyValueStore<String, StoredExample> store;
  private final KeyValueStore<String, StoredVector> vectors;
  private final long maxTaskBytes;
  private final Counter untested;
  private final Map<String, Index> indexes =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Index> eldest) {
          return size() > INDEXED_TASKS;
        }
      };

  /** The effect of adding an example. */
  enum Change {
    /** A new text. */
    ADDED,
    /** A known text with another label. */
    RELABELLED,
    /** A known text with the same label. */
    SAME
  }

  /**
   * What a definition changed.
   *
   * @param aside how many examples were set aside
   * @param back how many are used again
   */
  record Moved(int aside, int back) {}

  private record Slot(long sequence, long bytes) {}

  private record Leaving(String hash, long bytes) {}

  /** By label, then by hash; those that only wait for their test by sequence number. */
  private static final class Index {
    final Map<String, NavigableMap<String, Slot>> labels = new HashMap<>();
    final Map<String, NavigableMap<String, Slot>> aside = new HashMap<>();
    final NavigableMap<Long, Leaving> leaving = new TreeMap<>();
    final NavigableMap<String, Long> vectors = new TreeMap<>(); // bytes by hash
    long bytes;
    long leavingBytes;
    long vectorBytes;

    void addVector(String hash, StoredVector vector) {
      removeVector(hash);
      vectors.put(hash, bytesOf(vector));
      vectorBytes += vectors.get(hash);
    }

    boolean removeVector(String hash) {
      Long size = vectors.remove(hash);
      vectorBytes -= size == null ? 0 : size;
      return size != null;
    }

    void add(String hash, StoredExample example) {
      long size = bytesOf(example);
      if (example.getLeaving()) {
        leaving.put(example.getSequence(), new Leaving(hash, size));
        leavingBytes += size;
        return;
      }
      sideOf(example)
          .computeIfAbsent(example.getLabel(), label -> new TreeMap<>())
          .put(hash, new Slot(example.getSequence(), size));
      bytes += size;
    }

    void remove(String hash, StoredExample example) {
      if (example.getLeaving()) {
        leavingBytes -= leaving.remove(example.getSequence()).bytes();
        return;
      }
      NavigableMap<String, Slot> slots = sideOf(example).get(example.getLabel());
      bytes -= slots.remove(hash).bytes();
      if (slots.isEmpty()) {
        sideOf(example).remove(example.getLabel());
      }
    }

    private Map<String, NavigableMap<String, Slot>> sideOf(StoredExample example) {
      return example.getAside() ? aside : labels;
    }
  }

  /**
   * @param vectors of examples, under their keys
   * @param maxTaskBytes of a task's examples with their vectors; a share of it besides for those
   *     that only wait for a test
   * @param untested counts examples that left without one
   */
  ExampleBuffer(
      KeyValueStore<String, StoredExample> store,
      KeyValueStore<String, StoredVector> vectors,
      long maxTaskBytes,
      Counter untested) {
    this.store = store;
    this.vectors = vectors;
    this.maxTaskBytes = maxTaskBytes;
    this.untested = untested;
  }

  /**
   * Adds an example.
   *
   * @param example its sequence number counts if it changes anything
   * @param maxPerLabel how many of its label stay, at most
   * @param testedUpTo examples up to this sequence number are tested; they are evicted first
   */
  Change put(String taskId, StoredExample example, int maxPerLabel, long testedUpTo) {
    String hash = TextHash.of(example.getText(), example.getTextPair());
    StoredExample known = store.get(key(taskId, hash));
    boolean held = known != null && !known.getLeaving();
    if (held && known.getLabel().equals(example.getLabel())) {
      return Change.SAME;
    }
    Index index = index(taskId);
    if (known != null) {
      // Champions have learnt from it or not; a new label does not change that.
      example.setHeldOut(known.getHeldOut());
      index.remove(hash, known);
      dropVector(taskId, index, hash); // its text may be written differently
    }
    store.put(key(taskId, hash), example);
    index.add(hash, example);
    while (index.labels.get(example.getLabel()).size() > maxPerLabel) {
      evict(taskId, index, example.getLabel(), hash, testedUpTo);
    }
    while (index.bytes + index.vectorBytes > maxTaskBytes && !index.vectors.isEmpty()) {
      dropVector(taskId, index, index.vectors.lastKey());
    }
    while (index.bytes > maxTaskBytes && !index.aside.isEmpty()) {
      dropAside(taskId, index, hash);
    }
    while (index.bytes > maxTaskBytes && count(index) > 1) {
      evict(taskId, index, heaviest(index.labels, hash), hash, testedUpTo);
    }
    return held ? Change.RELABELLED : Change.ADDED;
  }

  private void evict(String taskId, Index index, String label, String newcomer, long testedUpTo) {
    List<String> candidates = new ArrayList<>();
    List<String> tested = new ArrayList<>();
    index
        .labels
        .get(label)
        .forEach(
            (hash, slot) -> {
              if (!hash.equals(newcomer)) {
                candidates.add(hash);
                if (slot.sequence() <= testedUpTo) {
                  tested.add(hash);
                }
              }
            });
    List<String> from = tested.isEmpty() ? candidates : tested;
    String victim = from.get(TextHash.pick(newcomer, from.size()));
    StoredExample example = store.get(key(taskId, victim));
    index.remove(victim, example);
    dropVector(taskId, index, victim);
    if (tested.isEmpty()) {
      example.setLeaving(true);
      store.put(key(taskId, victim), example);
      index.add(victim, example);
      while (index.leavingBytes > maxTaskBytes / LEAVING_SHARE) {
        leave(taskId, index);
        untested.increment();
      }
    } else {
      store.delete(key(taskId, victim));
    }
  }

  private void dropAside(String taskId, Index index, String newcomer) {
    List<String> candidates =
        List.copyOf(index.aside.get(heaviest(index.aside, newcomer)).keySet());
    remove(taskId, candidates.get(TextHash.pick(newcomer, candidates.size())));
  }

  /** The oldest example that only waits for its test. */
  private void leave(String taskId, Index index) {
    Leaving oldest = index.leaving.pollFirstEntry().getValue();
    index.leavingBytes -= oldest.bytes();
    store.delete(key(taskId, oldest.hash()));
  }

  /** Removes examples up to this sequence number that only waited for their test. */
  void tested(String taskId, long testedUpTo) {
    Index index = index(taskId);
    while (!index.leaving.isEmpty() && index.leaving.firstKey() <= testedUpTo) {
      leave(taskId, index);
    }
  }

  private static int count(Index index) {
    return index.labels.values().stream().mapToInt(NavigableMap::size).sum();
  }

  /** The label with the most bytes, among those that have something beside the newcomer. */
  private static String heaviest(Map<String, NavigableMap<String, Slot>> labels, String newcomer) {
    return labels.entrySet().stream()
        .filter(label -> label.getValue().size() > 1 || !label.getValue().containsKey(newcomer))
        .max(
            Comparator.<Map.Entry<String, NavigableMap<String, Slot>>>comparingLong(
                    label -> label.getValue().values().stream().mapToLong(Slot::bytes).sum())
                .thenComparing(Map.Entry::getKey))
        .orElseThrow()
        .getKey();
  }

  /** Removes a text; empty if it was not there. */
  Optional<StoredExample> remove(String taskId, String hash) {
    StoredExample known = store.get(key(taskId, hash));
    if (known != null) {
      Index index = index(taskId);
      index.remove(hash, known);
      dropVector(taskId, index, hash);
      store.delete(key(taskId, hash));
    }
    return Optional.ofNullable(known);
  }

  /**
   * Sets examples of other labels aside and uses those of these labels again. An evicted example is
   * removed with its label: it was only kept for its test.
   */
  Moved define(String taskId, Set<String> labels) {
    int aside = 0;
    int back = 0;
    for (KeyValue<String, StoredExample> entry : entries(taskId)) {
      StoredExample example = entry.value;
      boolean defined = labels.contains(Label.canonical(example.getLabel()));
      if (example.getLeaving() && !defined) {
        store.delete(entry.key);
      } else if (example.getAside() == defined) {
        example.setAside(!defined);
        store.put(entry.key, example);
        aside += defined ? 0 : 1;
        back += defined ? 1 : 0;
      }
    }
    indexes.remove(taskId);
    return new Moved(aside, back);
  }

  /** Removes all of a task's, those set aside too; how many there were. */
  int clear(String taskId) {
    List<KeyValue<String, StoredExample>> all = entries(taskId);
    for (KeyValue<String, StoredExample> entry : all) {
      store.delete(entry.key);
      vectors.delete(entry.key);
    }
    indexes.remove(taskId);
    return all.size();
  }

  /** All of a task's, in the order they came; those that are leaving or set aside too. */
  List<StoredExample> all(String taskId) {
    return entries(taskId).stream()
        .map(entry -> entry.value)
        .sorted(Comparator.comparingLong(StoredExample::getSequence))
        .toList();
  }

  /** How many labels have an example to learn from. */
  int labels(String taskId) {
    return index(taskId).labels.size();
  }

  /**
   * How many examples each label has, those set aside too; left out are labels that have none, and
   * examples that are leaving.
   */
  Map<String, Integer> counts(String taskId) {
    Map<String, Integer> counts = setAside(taskId);
    index(taskId).labels.forEach((label, slots) -> counts.put(label, slots.size()));
    return counts;
  }

  /** How many examples are set aside, by label. */
  Map<String, Integer> setAside(String taskId) {
    Map<String, Integer> counts = new TreeMap<>();
    index(taskId).aside.forEach((label, slots) -> counts.put(label, slots.size()));
    return counts;
  }

  /** What is kept of a task's texts, by hash. */
  Map<String, StoredVector> vectors(String taskId) {
    Map<String, StoredVector> kept = new HashMap<>();
    for (KeyValue<String, StoredVector> entry : entries(vectors, taskId)) {
      kept.put(entry.key.substring(taskId.length() + 1), entry.value);
    }
    return kept;
  }

  /** Keeps vectors of unchanged examples while there is space, in the order of their hashes. */
  void keepVectors(String taskId, Map<Example, StoredVector> made) {
    if (made.isEmpty()) {
      return;
    }
    Index index = index(taskId);
    Map<String, Example> byHash = new TreeMap<>();
    made.keySet().forEach(example -> byHash.put(hash(example), example));
    byHash.forEach(
        (hash, example) -> {
          StoredVector vector = made.get(example);
          dropVector(taskId, index, hash);
          if (isHeld(store.get(key(taskId, hash)), example)
              && index.bytes + index.vectorBytes + bytesOf(vector) <= maxTaskBytes) {
            vectors.put(key(taskId, hash), vector);
            index.addVector(hash, vector);
          }
        });
  }

  private static boolean isHeld(StoredExample stored, Example example) {
    return stored != null
        && !stored.getLeaving()
        && stored.getText().equals(example.text())
        && Optional.ofNullable(stored.getTextPair()).equals(example.textPair());
  }

  /** Removes all vectors of a task, which another model made. */
  void forgetVectors(String taskId) {
    for (KeyValue<String, StoredVector> entry : entries(vectors, taskId)) {
      vectors.delete(entry.key);
    }
    indexes.remove(taskId);
  }

  private void dropVector(String taskId, Index index, String hash) {
    if (index.removeVector(hash)) {
      vectors.delete(key(taskId, hash));
    }
  }

  private List<KeyValue<String, StoredExample>> entries(String taskId) {
    return entries(store, taskId);
  }

  private static <T> List<KeyValue<String, T>> entries(
      KeyValueStore<String, T> store, String taskId) {
    List<KeyValue<String, T>> entries = new ArrayList<>();
    try (KeyValueIterator<String, T> found =
        store.prefixScan(taskId + "/", new StringSerializer())) {
      found.forEachRemaining(entries::add);
    }
    return entries;
  }

  private Index index(String taskId) {
    return indexes.computeIfAbsent(
        taskId,
        id -> {
          Index index = new Index();
          for (KeyValue<String, StoredExample> entry : entries(id)) {
            index.add(entry.key.substring(id.length() + 1), entry.value);
          }
          for (KeyValue<String, StoredVector> entry : entries(vectors, id)) {
            index.addVector(entry.key.substring(id.length() + 1), entry.value);
          }
          return index;
        });
  }

  static String hash(Example example) {
    return TextHash.of(example.text(), example.textPair().orElse(null));
  }

  /** A task id has no slash in it. */
  private static String key(String taskId, String hash) {
    return taskId + "/" + hash;
  }

  private static long bytesOf(StoredVector vector) {
    return (long) OVERHEAD_BYTES + vector.getValues().remaining();
  }

  private static long bytesOf(StoredExample example) {
    int pair = example.getTextPair() == null ? 0 : example.getTextPair().length();
    int chars = example.getText().length() + pair + example.getSource().length();
    return OVERHEAD_BYTES + 2L * (chars + example.getLabel().length());
  }
}
