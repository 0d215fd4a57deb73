package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.ModelProgress;
import io.hyperstream.app.adaptation.state.StoredVersion;
import io.hyperstream.app.streams.RetryingDecoder;
import io.hyperstream.schemas.AdapterVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** The latest versions of every task, so that each can be served again. Stream thread only. */
final class VersionLog {
  /** Versions kept of one task under one model. */
  static final int KEPT = 20;

  private final KeyValueStore<String, StoredVersion> store;
  private final RetryingDecoder reader;
  private final String topic;

  /** Names one. */
  record Key(String taskId, String modelId, long version) {
    private String stored() {
      return taskId + "/" + modelId + "/" + String.format(Locale.ROOT, "%019d", version);
    }

    private static Key parse(String stored) {
      int first = stored.indexOf('/'); // a task id has none
      int last = stored.lastIndexOf('/');
      return new Key(
          stored.substring(0, first),
          stored.substring(first + 1, last),
          Long.parseLong(stored.substring(last + 1)));
    }
  }

  VersionLog(KeyValueStore<String, StoredVersion> store, RetryingDecoder reader, String topic) {
    this.store = store;
    this.reader = reader;
    this.topic = topic;
  }

  Optional<StoredVersion> find(Key key) {
    return Optional.ofNullable(store.get(key.stored()));
  }

  /** The version that serves; empty for the initial adapter. */
  Optional<StoredVersion> champion(String taskId, String modelId, ModelProgress progress) {
    return progress.getChampion() == 0
        ? Optional.empty()
        : find(new Key(taskId, modelId, progress.getChampion()));
  }

  AdapterVersion decode(StoredVersion stored) {
    return reader.read(topic, SourcedRecords.bytes(stored.getVersion()), AdapterVersion.class);
  }

  void add(Key key, StoredVersion version) {
    store.put(key.stored(), version);
  }

  /** Removes one record; true if it was there. */
  boolean remove(Key key) {
    return store.delete(key.stored()) != null;
  }

  /** All of a task's under any model, oldest first. */
  List<Key> all(String taskId) {
    return keys(taskId + "/");
  }

  /** All of a task's under one model, oldest first. */
  List<Key> all(String taskId, String modelId) {
    return keys(taskId + "/" + modelId + "/");
  }

  private List<Key> keys(String prefix) {
    List<Key> keys = new ArrayList<>();
    try (KeyValueIterator<String, StoredVersion> found =
        store.prefixScan(prefix, new StringSerializer())) {
      found.forEachRemaining(entry -> keys.add(Key.parse(entry.key)));
    }
    return keys;
  }
}
