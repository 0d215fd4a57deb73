package io.hyperstream.app.cli;

import io.hyperstream.app.streams.Sentences;
import io.hyperstream.model.task.NearNames;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.UndecodableRecordException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** The definitions topic as a table of tasks. One thread. */
final class TaskTopic {
  private final Connection cluster;
  private final Console console;

  TaskTopic(Connection cluster, Console console) throws InterruptedException {
    this.cluster = cluster;
    this.console = console;
    cluster.require(cluster.topics().definitions());
  }

  /** The definitions that hold now, by task. */
  Map<String, TaskDefinition> read() {
    String topic = topicName();
    Map<String, TaskDefinition> definitions = new TreeMap<>();
    try (TopicReader reader = new TopicReader(cluster.consumer(), List.of(topic), true)) {
      reader.readToEnd(
          record -> {
            String taskId =
                record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
            definitions.remove(taskId);
            if (record.value() != null) {
              decode(record).ifPresent(definition -> definitions.put(taskId, definition));
            }
          });
    }
    return definitions;
  }

  /** The task's definition, or a failure that names the tasks there are. */
  static TaskDefinition find(Map<String, TaskDefinition> known, String taskId) {
    TaskDefinition definition = known.get(taskId);
    if (definition == null) {
      throw CommandFailure.failed(undefined(known, taskId));
    }
    return definition;
  }

  /** What to say of a task that is not defined. */
  static String undefined(Map<String, TaskDefinition> known, String taskId) {
    return "the task '"
        + taskId
        + "' is not defined"
        + NearNames.hint(
            taskId,
            known.keySet(),
            known.isEmpty() ? "; none is." : "; known are " + Rendering.some(known.keySet()) + ".")
        + " `hyperstream tasks create` defines tasks";
  }

  /** Of a task of which nothing was found, or not yet: fails unless it is defined. */
  static void require(String taskId, Connection cluster, Console console)
      throws InterruptedException {
    find(new TaskTopic(cluster, console).read(), taskId);
  }

  /** Says so if a task is not defined whose records are waited for. */
  static void noteIfUndefined(String taskId, Connection cluster, Console console)
      throws InterruptedException {
    Map<String, TaskDefinition> known = new TaskTopic(cluster, console).read();
    if (!known.containsKey(taskId)) {
      console.note(undefined(known, taskId));
    }
  }

  private Optional<TaskDefinition> decode(ConsumerRecord<byte[], byte[]> record) {
    try {
      return Optional.of(
          cluster.codec().deserialize(record.topic(), record.value(), TaskDefinition.class));
    } catch (UndecodableRecordException e) {
      console.note("task '" + Rendering.key(record) + "' cannot be read: " + Sentences.of(e));
      return Optional.empty();
    }
  }

  /** Whether no task was ever defined, not even one that was retired since. */
  boolean isUntouched() {
    try (Consumer<byte[], byte[]> consumer = cluster.consumer()) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topicName()).stream()
              .map(partition -> new TopicPartition(topicName(), partition.partition()))
              .toList();
      return consumer.endOffsets(partitions).values().stream().allMatch(end -> end == 0);
    }
  }

  /** Sends definitions and waits until every replica has them. */
  void create(List<TaskDefinition> definitions) throws InterruptedException {
    List<ProducerRecord<String, byte[]>> records = new ArrayList<>();
    for (TaskDefinition definition : definitions) {
      byte[] value = cluster.codec().serialize(topicName(), definition);
      records.add(new ProducerRecord<>(topicName(), definition.getTaskId(), value));
    }
    cluster.deliver("definition", records);
  }

  /** Sends tombstones. */
  void retire(List<String> taskIds) throws InterruptedException {
    cluster.deliver(
        "definition",
        taskIds.stream()
            .map(taskId -> new ProducerRecord<String, byte[]>(topicName(), taskId, null))
            .toList());
  }

  private String topicName() {
    return cluster.topics().definitions().name();
  }
}
