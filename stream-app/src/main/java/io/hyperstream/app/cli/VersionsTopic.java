package io.hyperstream.app.cli;

import io.hyperstream.app.streams.Sentences;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.UndecodableRecordException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** The versions of a task, out of the two topics that hold them. One thread. */
final class VersionsTopic {

  /**
   * A published version.
   *
   * @param served whether its model serves it now
   * @param bytes of its record's value
   */
  record Entry(AdapterVersion version, boolean served, int bytes) {}

  private final Connection cluster;
  private final Console console;

  VersionsTopic(Connection cluster, Console console) throws InterruptedException {
    this.cluster = cluster;
    this.console = console;
    cluster.require(cluster.topics().adapters(), cluster.topics().adapterVersions());
  }

  /** By model and version, the oldest first. */
  List<Entry> read(String taskId) {
    Map<String, ConsumerRecord<byte[], byte[]>> serving =
        latest(cluster.topics().adapters(), taskId);
    Map<String, Long> served = new HashMap<>();
    serving.values().stream()
        .flatMap(record -> read(record).stream())
        .forEach(version -> served.put(version.getModelId(), version.getVersion()));
    List<Entry> entries = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> record :
        latest(cluster.topics().adapterVersions(), taskId).values()) {
      read(record)
          .ifPresent(
              version ->
                  entries.add(
                      new Entry(
                          version,
                          served.getOrDefault(version.getModelId(), 0L) == version.getVersion(),
                          record.value().length)));
    }
    entries.sort(
        Comparator.comparing((Entry entry) -> entry.version().getModelId())
            .thenComparing(entry -> entry.version().getVersion()));
    return entries;
  }

  /** The last record per key, tombstones applied; keys are modelId|taskId and so on. */
  private Map<String, ConsumerRecord<byte[], byte[]>> latest(Topic topic, String taskId) {
    Map<String, ConsumerRecord<byte[], byte[]>> latest = new HashMap<>();
    try (TopicReader reader = new TopicReader(cluster.consumer(), List.of(topic.name()), true)) {
      reader.readToEnd(
          record -> {
            if (!isOf(record, taskId)) {
              return;
            }
            String key = Rendering.key(record);
            if (record.value() == null) {
              latest.remove(key);
            } else {
              latest.put(key, record);
            }
          });
    }
    return latest;
  }

  /** Whether the record's key, modelId|taskId and so on, names the task. */
  static boolean isOf(ConsumerRecord<byte[], byte[]> record, String taskId) {
    String[] parts = String.valueOf(Rendering.key(record)).split("\\|", -1);
    return parts.length >= 2 && parts[1].equals(taskId);
  }

  private Optional<AdapterVersion> read(ConsumerRecord<byte[], byte[]> record) {
    try {
      return Optional.of(
          cluster.codec().deserialize(record.topic(), record.value(), AdapterVersion.class));
    } catch (UndecodableRecordException e) {
      console.note("version '" + Rendering.key(record) + "' cannot be read: " + Sentences.of(e));
      return Optional.empty();
    }
  }
}
