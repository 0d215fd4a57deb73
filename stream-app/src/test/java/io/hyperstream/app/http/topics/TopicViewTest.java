package io.hyperstream.app.http.topics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.config.HttpSettings;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The view of the topics")
class TopicViewTest {
  private final Topics topics = new Topics(Topics.Settings.defaults());
  private final TopicPartition definitions = new TopicPartition(topics.definitions().name(), 0);
  private final BlockingQueue<Consumer<byte[], byte[]>> consumers = new LinkedBlockingQueue<>();
  private final AtomicInteger failures = new AtomicInteger();
  private volatile boolean registryDown;
  private RecordCodec codec;
  private TopicView view;

  @BeforeEach
  void start() throws Exception {
    SchemaRegistryClient registry =
        SchemaRegistries.connect("mock://" + UUID.randomUUID(), Map.of());
    new SchemaRegistrar(registry, topics).register(Duration.ofSeconds(5));
    codec = new RecordCodec(registry);
    RecordCodec reading = new RecordCodec(switchable(registry));
    view =
        new TopicView(topics, reading, reading, this::next, settings(), failures::incrementAndGet);
  }

  private static HttpSettings settings() {
    return new HttpSettings(
        "127.0.0.1",
        -1,
        HttpSettings.Access.AUTO,
        List.of(),
        List.of(),
        1 << 20,
        16,
        16,
        16,
        100,
        100);
  }

  private SchemaRegistryClient switchable(SchemaRegistryClient registry) {
    return (SchemaRegistryClient)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {SchemaRegistryClient.class},
            (proxy, method, arguments) -> {
              if (registryDown) {
                throw new IOException("the test registry is down");
              }
              try {
                return method.invoke(registry, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private Consumer<byte[], byte[]> next() {
    try {
      return consumers.take();
    } catch (InterruptedException e) {
      throw new KafkaException(e);
    }
  }

  @AfterEach
  void stop() {
    consumers.add(consumer(List.of()));
    view.close();
  }

  private MockConsumer<byte[], byte[]> consumer(List<ConsumerRecord<byte[], byte[]>> records) {
    MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");
    Map<TopicPartition, Long> ends = new HashMap<>();
    Map<TopicPartition, Long> beginnings = new HashMap<>();
    for (Topic topic : topics.all()) {
      TopicPartition partition = new TopicPartition(topic.name(), 0);
      consumer.updatePartitions(
          topic.name(), List.of(new PartitionInfo(topic.name(), 0, null, null, null)));
      beginnings.put(partition, 0L);
      ends.put(partition, 0L);
    }
    ends.put(definitions, (long) records.size());
    consumer.updateBeginningOffsets(beginnings);
    consumer.updateEndOffsets(ends);
    consumer.schedulePollTask(() -> records.forEach(consumer::addRecord));
    return consumer;
  }

  private ConsumerRecord<byte[], byte[]> definition(long offset, String taskId) {
    List<TaskLabel> labels = new ArrayList<>();
    for (String label : List.of("yes", "no")) {
      labels.add(TaskLabel.newBuilder().setName(label).build());
    }
    TaskDefinition task =
        TaskDefinition.newBuilder()
            .setTaskId(taskId)
            .setKind(TaskKind.CLASSIFICATION)
            .setLabels(labels)
            .build();
    return new ConsumerRecord<>(
        definitions.topic(),
        0,
        offset,
        taskId.getBytes(StandardCharsets.UTF_8),
        codec.serialize(definitions.topic(), task));
  }

  @Test
  @DisplayName("goes on showing what it has while the registry is down, and says so")
  void registryDown() throws Exception {
    MockConsumer<byte[], byte[]> consumer = consumer(List.of(definition(0, "a")));
    consumers.add(consumer);
    view.start();
    await().until(() -> view.problem().isEmpty());
    assertThat(view.stale()).isEmpty();

    registryDown = true;
    consumer.schedulePollTask(() -> consumer.addRecord(definition(1, "b")));
    await().until(() -> failures.get() >= 2);
    assertThat(view.stale().orElseThrow()).contains("the test registry is down", "since");
    assertThat(view.problem()).isEmpty();
    assertThat(view.definitions().find("a")).isPresent();
    assertThat(view.awaitRecord(definitions, 0, Duration.ZERO)).isTrue();
    assertThat(view.awaitRecord(definitions, 1, Duration.ZERO)).isFalse();

    registryDown = false;
    assertThat(view.awaitRecord(definitions, 1, Duration.ofSeconds(20))).isTrue();
    assertThat(view.definitions().find("b")).isPresent();
    assertThat(view.stale()).isEmpty();
  }

  @Test
  @DisplayName("shows the last state until everything is read again")
  void readAgain() throws Exception {
    MockConsumer<byte[], byte[]> first = consumer(List.of(definition(0, "a")));
    consumers.add(first);
    view.start();
    await().until(() -> view.problem().isEmpty());

    first.setPollException(new KafkaException("the first reader fails"));
    await().until(() -> view.stale().isPresent());
    assertThat(view.stale().orElseThrow()).contains("the first reader fails");
    MockConsumer<byte[], byte[]> second = consumer(List.of(definition(0, "b")));
    second.updateEndOffsets(Map.of(definitions, 2L));
    consumers.add(second);
    await()
        .until(
            () -> second.assignment().contains(definitions) && second.position(definitions) == 1);
    assertThat(view.definitions().find("a")).isPresent();
    assertThat(view.problem()).isEmpty();
    assertThat(view.stale()).isPresent();

    second.schedulePollTask(() -> second.addRecord(definition(1, "c")));
    await().until(() -> view.stale().isEmpty());
    assertThat(view.definitions().find("a")).isEmpty();
    assertThat(view.definitions().find("b")).isPresent();
    assertThat(view.definitions().find("c")).isPresent();
  }
}
