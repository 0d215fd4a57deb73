package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.versions.AdapterFiles;
import io.hyperstream.app.versions.VersionCodec;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Topics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Adapter versions that take their time")
class AdapterAdoptionTest {
  private static final TopicPartition ADAPTERS = new TopicPartition("adapters", 0);

  @TempDir private Path folder;
  private final TestPredictor predictor = new TestPredictor();
  private final TaskCatalog catalog = new TaskCatalog(predictor);
  private final InferenceMetrics metrics = new InferenceMetrics(new SimpleMeterRegistry());
  private final CountDownLatch begun = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);
  private final List<AdapterVersion> log = new ArrayList<>();
  private AdapterAdoption adoption;

  @BeforeEach
  void start() throws IOException {
    AdapterFiles files = new AdapterFiles(folder.resolve("weights"), Duration.ZERO);
    VersionCodec codec = new VersionCodec(files, new FileModelStore(folder.resolve("store")));
    adoption =
        new AdapterAdoption(catalog, codec, files, place -> log.get((int) place.offset()), metrics);
    for (int task = 0; task < 200; task++) {
      catalog.define(TaskDefinition.classification("t" + task, List.of("yes", "no")));
    }
  }

  @AfterEach
  void stop() {
    release.countDown();
    adoption.close();
  }

  /** From now on trying a version takes until it is released. */
  private void slow() {
    predictor.inTrial(
        () -> {
          begun.countDown();
          try {
            release.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted", e);
          }
        });
  }

  private void publish(String taskId, long version) {
    AdapterVersion record =
        AdapterVersion.newBuilder()
            .setTaskId(taskId)
            .setVersion(version)
            .setModelId(TestPredictor.MODEL_ID)
            .setForm(AdapterForm.EMBEDDING)
            .setEmbedding(List.of(1f, 2f, 3f, 4f))
            .setCreatedAt(Instant.EPOCH)
            .build();
    log.add(record);
    adoption.adopt(key(taskId), record, new AdapterAdoption.Place(ADAPTERS, log.size() - 1));
  }

  private static String key(String taskId) {
    return TestPredictor.MODEL_ID + "|" + taskId;
  }

  private long served(String taskId) {
    TaskAdapter adapter =
        catalog.adapterOf((TaskCatalog.Entry.Defined) catalog.find(taskId).orElseThrow());
    return adapter.version();
  }

  @Test
  @DisplayName("are served before the start ends")
  void atTheStart() {
    publish("t0", 1);
    assertThat(served("t0")).isEqualTo(1);
  }

  @Test
  @DisplayName("hold up nobody afterwards; of each task the latest is served in the end")
  void afterwards() throws Exception {
    slow();
    adoption.live();
    publish("t0", 1);
    begun.await();
    publish("t0", 2);
    publish("t0", 3);
    for (int task = 1; task < 200; task++) { // more than are held in memory
      publish("t" + task, 1);
    }
    assertThat(adoption.waiting()).isEqualTo(200);
    assertThat(served("t0")).isZero();
    release.countDown();
    await().until(() -> adoption.waiting() == 0);
    assertThat(served("t0")).isEqualTo(3);
    assertThat(served("t199")).isEqualTo(1);
    assertThat(metrics.ignoredAdapters.count()).isZero();
  }

  @Test
  @DisplayName("do not come back when their task was set back meanwhile")
  void revertedMeanwhile() throws Exception {
    slow();
    adoption.live();
    publish("t0", 1);
    publish("t1", 1);
    begun.await();
    adoption.revert(key("t0"), "t0");
    release.countDown();
    await().until(() -> served("t1") == 1);
    assertThat(served("t0")).isZero();
  }

  @Test
  @DisplayName("do not keep the application from ending")
  void closes() throws Exception {
    slow();
    adoption.live();
    publish("t0", 1);
    begun.await();
    adoption.close();
    assertThat(served("t0")).isZero();
  }

  @Test
  @DisplayName("are read again from their place, and from nowhere else")
  void readAgain() throws Exception {
    var registry = SchemaRegistries.connect("mock://" + UUID.randomUUID(), Map.of());
    Topics topics = new Topics(Topics.Settings.defaults());
    new SchemaRegistrar(registry, topics).register(Duration.ofSeconds(5));
    RecordCodec codec = new RecordCodec(registry);
    publish("t0", 1);
    String topic = topics.adapters().name();
    TopicPartition partition = new TopicPartition(topic, 0);
    byte[] value = codec.serialize(topic, log.get(0));
    AdapterRecords records =
        new AdapterRecords(
            codec,
            () -> {
              MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");
              consumer.updateBeginningOffsets(Map.of(partition, 0L));
              consumer.schedulePollTask(
                  () -> consumer.addRecord(new ConsumerRecord<>(topic, 0, 7, null, value)));
              return consumer;
            });
    assertThat(records.read(new AdapterAdoption.Place(partition, 7))).isEqualTo(log.get(0));
    assertThatThrownBy(() -> records.read(new AdapterAdoption.Place(partition, 5)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("offset 5");
  }
}
