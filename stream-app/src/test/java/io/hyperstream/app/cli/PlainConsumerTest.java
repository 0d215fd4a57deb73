package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.model.bench.Opponent;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.TaskPrediction;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Its encoder is the application's own model here; the real one is tested in onnx-bench. */
@DisplayName("The plain consumer that the pipeline is measured against")
class PlainConsumerTest {
  @TempDir static Path folder;
  private static MultiTaskModel model;
  private static BenchTexts texts;

  private final Topics topics = new Topics(Topics.Settings.defaults());
  private final TopicPartition partition = new TopicPartition(topics.requests().name(), 0);
  private final MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");
  private RecordCodec codec;
  private long offset;

  @BeforeAll
  static void open() throws IOException {
    model =
        MultiTaskModel.open(
            ShippedModel.BGE_SMALL.install(new FileModelStore(folder)), ModelOptions.DEFAULT);
    texts = BenchTexts.ofDemo(BenchTexts.demoTasks()).withoutPairs();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  @BeforeEach
  void assign() throws InterruptedException {
    SchemaRegistryClient registry = SchemaRegistries.connect("mock://plain-consumer", Map.of());
    new SchemaRegistrar(registry, topics).register(Duration.ofSeconds(5));
    codec = new RecordCodec(registry);
    consumer.assign(Set.of(partition));
    consumer.updateBeginningOffsets(Map.of(partition, 0L));
  }

  private static final class OurModel implements Opponent {
    private final TaskDefinition task = Definitions.toModel(texts.tasks().get(0));
    private final TaskAdapter adapter = model.startingAdapter(task);

    @Override
    public String name() {
      return "ours";
    }

    @Override
    public String about() {
      return "ours";
    }

    @Override
    public boolean exact() {
      return true;
    }

    @Override
    public float[][] encode(List<int[]> ids) {
      return model.embed(
          ids.stream().map(row -> new PreparedRow(task, adapter, row, false)).toList());
    }

    @Override
    public void close() {}
  }

  private PlainConsumer plain(MockProducer<String, byte[]> producer) {
    return new PlainConsumer(
        consumer,
        producer,
        codec,
        topics,
        model.loaded().family().tokenizer(),
        512,
        new OurModel(),
        model.modelId(),
        texts.tasks());
  }

  private static MockProducer<String, byte[]> producer() {
    return new MockProducer<>(true, null, new StringSerializer(), new ByteArraySerializer());
  }

  private void request(String id, String taskId, String text) {
    InferenceRequest request =
        InferenceRequest.newBuilder()
            .setRequestId(id)
            .setTaskId(taskId)
            .setText(text)
            .setCreatedAt(Instant.ofEpochMilli(1))
            .build();
    consumer.addRecord(
        new ConsumerRecord<>(
            partition.topic(),
            0,
            offset++,
            id.getBytes(StandardCharsets.UTF_8),
            codec.serialize(partition.topic(), request)));
  }

  @Test
  @DisplayName("answers what the application answers, one record per request, then commits")
  void answers() throws Exception {
    MockProducer<String, byte[]> producer = producer();
    PlainConsumer plain = plain(producer);
    List<BenchTexts.Text> asked = texts.texts().subList(0, 70); // two batches
    for (int i = 0; i < asked.size(); i++) {
      request("r" + i, asked.get(i).task().getTaskId(), asked.get(i).text());
    }

    assertThat(plain.poll(Duration.ZERO)).isEqualTo(70);

    Map<String, Prediction> answers = new HashMap<>();
    for (ProducerRecord<String, byte[]> sent : producer.history()) {
      Prediction answer = codec.deserialize(sent.topic(), sent.value(), Prediction.class);
      assertThat(sent.topic()).isEqualTo(topics.predictions().name());
      assertThat(sent.key()).isEqualTo(answer.getRequestId());
      assertThat(answers.put(sent.key(), answer)).isNull();
    }
    List<PreparedRow> rows = new ArrayList<>();
    for (BenchTexts.Text text : asked) {
      TaskDefinition task = Definitions.toModel(text.task());
      rows.add(model.prepare(task, model.startingAdapter(task), text.text(), text.textPair()));
    }
    for (int i = 0; i < asked.size(); i++) {
      TaskPrediction expected = (TaskPrediction) model.predict(List.of(rows.get(i))).get(0);
      Prediction answer = answers.get("r" + i);
      assertThat(answer.getLabel()).isEqualTo(expected.label().orElseThrow());
      assertThat(answer.getScore()).isCloseTo(expected.score(), within());
      assertThat(answer.getDistribution()).hasSameSizeAs(asked.get(i).task().getLabels());
      assertThat(answer.getModelId()).isEqualTo(model.modelId());
    }
    assertThat(consumer.committed(Set.of(partition)).get(partition).offset()).isEqualTo(70);
    assertThat(plain.poll(Duration.ZERO)).isZero();
  }

  private static org.assertj.core.data.Offset<Float> within() {
    return org.assertj.core.api.Assertions.within(1e-4f);
  }

  @Test
  @DisplayName("commits nothing when an answer was not acknowledged")
  void notAcknowledged() {
    PlainConsumer plain = plain(refusing());
    request("r", "emotion", "what a day");

    assertThatThrownBy(() -> plain.poll(Duration.ZERO)).isInstanceOf(ExecutionException.class);
    assertThat(consumer.committed(Set.of(partition))).doesNotContainKey(partition);
  }

  /** One whose broker refuses the first record as soon as it is flushed. */
  private static MockProducer<String, byte[]> refusing() {
    return new MockProducer<>(false, null, new StringSerializer(), new ByteArraySerializer()) {
      @Override
      public synchronized void flush() {
        errorNext(new KafkaException("refused"));
      }
    };
  }

  @Test
  @DisplayName("a task that was not defined when it started ends it, named")
  void unknownTask() {
    PlainConsumer plain = plain(producer());
    request("r", "weather", "rain");

    assertThatThrownBy(() -> plain.poll(Duration.ZERO)).hasMessageContaining("no task 'weather'");
  }
}
