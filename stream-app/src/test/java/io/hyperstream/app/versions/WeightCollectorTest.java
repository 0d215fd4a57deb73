package io.hyperstream.app.versions;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Topics;
import io.hyperstream.schemas.UndecodableRecordException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Collecting weights")
class WeightCollectorTest {
  @TempDir Path folder;

  private final Topics topics = new Topics(Topics.Settings.defaults());
  private final SchemaRegistryClient registry =
      SchemaRegistries.connect("mock://" + UUID.randomUUID(), Map.of());
  private final RecordCodec codec = new RecordCodec(registry);
  private final TopicPartition served = new TopicPartition(topics.adapters().name(), 0);
  private final TopicPartition kept = new TopicPartition(topics.adapterVersions().name(), 0);
  private final List<ConsumerRecord<byte[], byte[]>> log = new ArrayList<>();
  private FileModelStore store;

  @BeforeEach
  void open() throws Exception {
    new SchemaRegistrar(registry, topics).register(Duration.ofSeconds(5));
    store = new FileModelStore(folder);
  }

  private void record(TopicPartition to, String key, byte[] value) {
    long offset = log.stream().filter(record -> record.topic().equals(to.topic())).count();
    log.add(new ConsumerRecord<>(to.topic(), 0, offset, key.getBytes(UTF_8), value));
  }

  private MockConsumer<byte[], byte[]> consumer() {
    MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");
    for (TopicPartition partition : List.of(served, kept)) {
      String topic = partition.topic();
      consumer.updatePartitions(topic, List.of(new PartitionInfo(topic, 0, null, null, null)));
      consumer.updateBeginningOffsets(Map.of(partition, 0L));
      long end = log.stream().filter(record -> record.topic().equals(topic)).count();
      consumer.updateEndOffsets(Map.of(partition, end));
    }
    consumer.schedulePollTask(() -> log.forEach(consumer::addRecord));
    return consumer;
  }

  private byte[] version(String weights) {
    return codec.serialize(
        kept.topic(),
        AdapterVersion.newBuilder()
            .setTaskId("t")
            .setVersion(1)
            .setModelId("m")
            .setForm(AdapterForm.WEIGHTS)
            .setWeightsUri(weights)
            .setCreatedAt(Instant.EPOCH)
            .build());
  }

  private int collect(Duration later) throws IOException {
    Clock clock = Clock.fixed(Instant.now().plus(later), ZoneOffset.UTC);
    MockConsumer<byte[], byte[]> committed = consumer();
    return new WeightCollector(store, "me", topics, codec, clock)
        .collect(committed, committed, Duration.ofSeconds(20));
  }

  @Test
  @DisplayName("removes what neither a served nor a kept version needs, once it is a day old")
  void collects() throws IOException {
    String first = store.addWeights("me", new byte[] {1});
    String second = store.addWeights("me", new byte[] {2});
    String orphan = store.addWeights("me", new byte[] {3});
    record(kept, "m|t|1", version(first));
    record(kept, "m|t|2", version(second));
    record(kept, "m|t|3", version(null));
    record(kept, "m|t|1", null);
    assertThat(collect(Duration.ofHours(23))).isZero();
    assertThat(collect(Duration.ofHours(25))).isEqualTo(2);
    assertThat(store.weights(second)).exists();
    assertThatThrownBy(() -> store.weights(first)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> store.weights(orphan)).isInstanceOf(IOException.class);
  }

  @Test
  @DisplayName(
      "keeps what a transaction under way serves again while it pushes the old version out")
  void rollbackMeanwhile() throws IOException {
    String weights = store.addWeights("me", new byte[] {1});
    record(kept, "m|t|1", version(weights));
    record(kept, "m|t|1", null); // of the transaction; its other partition does not show it yet
    MockConsumer<byte[], byte[]> committed = consumer();
    MockConsumer<byte[], byte[]> written = consumer();
    written.updateEndOffsets(Map.of(served, 1L, kept, 2L));
    byte[] again = version(weights);
    committed.schedulePollTask(
        () ->
            committed.addRecord(
                new ConsumerRecord<>(served.topic(), 0, 0, "m|t".getBytes(UTF_8), again)));
    Clock clock = Clock.fixed(Instant.now().plus(Duration.ofDays(9)), ZoneOffset.UTC);
    new WeightCollector(store, "me", topics, codec, clock)
        .collect(committed, written, Duration.ofSeconds(20));
    assertThat(store.weights(weights)).exists();
  }

  @Test
  @DisplayName("keeps what only the served version needs, and all if a version cannot be read")
  void keeps() throws IOException {
    String weights = store.addWeights("me", new byte[] {1});
    record(served, "m|t", version(weights));
    assertThat(collect(Duration.ofDays(9))).isZero();
    record(served, "m|t", "garbage".getBytes(UTF_8));
    assertThatThrownBy(() -> collect(Duration.ofDays(9)))
        .isInstanceOf(UndecodableRecordException.class);
    assertThat(store.weights(weights)).exists();
  }
}
