package io.hyperstream.app.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.confluent.kafka.serializers.KafkaAvroDeserializer;
import io.confluent.kafka.serializers.KafkaAvroSerializer;
import io.hyperstream.app.HyperstreamApplication;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.SchemaRegistries;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients as others have them: Confluent's serializers as they come, generic records, schemas from
 * the registry or their own; no class and no setting of this project.
 */
@DisplayName("Clients that know only the topics and the registry")
@ExtendWith(SharedCluster.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InteropIT {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final String REQUESTS = "interop.inference.requests";
  private static final String PREDICTIONS = "interop.inference.predictions";
  private static final String DEAD_LETTERS = "interop.inference.dead-letters";
  private static final String DEFINITIONS = "interop.task.definitions";

  private final Map<String, ConsumerRecord<String, Object>> answers = new ConcurrentHashMap<>();
  private HyperstreamApplication application;
  private SchemaRegistryClient registry;
  private KafkaProducer<String, Object> producer;
  private KafkaConsumer<String, Object> consumer;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    EmbeddedCluster cluster = SharedCluster.cluster();
    application =
        HyperstreamApplication.start(
            Map.of(
                "hyperstream.kafka.bootstrap-servers",
                cluster.bootstrapServers(),
                "hyperstream.kafka.application-id",
                "interop",
                "hyperstream.kafka.topic-prefix",
                "interop.",
                "hyperstream.registry.url",
                cluster.schemaRegistryUrl(),
                "hyperstream.streams.state-dir",
                folder.resolve("streams").toString(),
                "hyperstream.model.dir",
                folder.resolve("models").toString(),
                "hyperstream.roles",
                "inference",
                "hyperstream.http.port",
                -1));
    application.awaitRunning(PATIENCE);
    registry = SchemaRegistries.connect(cluster.schemaRegistryUrl(), Map.of());
    Map<String, Object> plain =
        Map.of(
            "bootstrap.servers", cluster.bootstrapServers(),
            "schema.registry.url", cluster.schemaRegistryUrl());
    Map<String, Object> writing = new HashMap<>(plain);
    writing.put("key.serializer", StringSerializer.class);
    writing.put("value.serializer", KafkaAvroSerializer.class);
    producer = new KafkaProducer<>(writing);
    Map<String, Object> reading = new HashMap<>(plain);
    reading.put("key.deserializer", StringDeserializer.class);
    reading.put("value.deserializer", KafkaAvroDeserializer.class);
    reading.put("isolation.level", "read_committed");
    consumer = new KafkaConsumer<>(reading);
    List<TopicPartition> partitions =
        List.of(PREDICTIONS, DEAD_LETTERS).stream()
            .flatMap(topic -> consumer.partitionsFor(topic).stream())
            .map(info -> new TopicPartition(info.topic(), info.partition()))
            .toList();
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    define("interop-mood", "happy", "sad");
  }

  @AfterAll
  void stop() throws Exception {
    producer.close();
    consumer.close();
    registry.close();
    application.close();
  }

  private Schema registered(String topic) throws Exception {
    return new Schema.Parser()
        .parse(registry.getLatestSchemaMetadata(topic + "-value").getSchema());
  }

  private void define(String taskId, String... labels) throws Exception {
    Schema schema = registered(DEFINITIONS);
    Schema label = schema.getField("labels").schema().getElementType();
    GenericRecord definition =
        new GenericRecordBuilder(schema)
            .set("taskId", taskId)
            .set(
                "kind",
                new GenericData.EnumSymbol(schema.getField("kind").schema(), "CLASSIFICATION"))
            .set(
                "labels",
                List.of(labels).stream()
                    .map(name -> new GenericRecordBuilder(label).set("name", name).build())
                    .toList())
            .build();
    send(DEFINITIONS, taskId, definition);
  }

  private void send(String topic, String key, Object value) throws Exception {
    producer.send(new ProducerRecord<>(topic, key, value)).get();
  }

  private static GenericRecordBuilder request(Schema schema, String id, String text) {
    return new GenericRecordBuilder(schema)
        .set("requestId", id)
        .set("taskId", "interop-mood")
        .set("text", text)
        .set("createdAt", 1_700_000_000_123L);
  }

  /** Sends it and waits for its answer, which has the same key. */
  private ConsumerRecord<String, Object> answer(GenericRecord request) throws Exception {
    String key = request.get("requestId").toString();
    send(REQUESTS, key, request);
    await("the answer to " + key)
        .atMost(PATIENCE)
        .until(
            () -> {
              consumer.poll(Duration.ofMillis(100)).forEach(r -> answers.put(r.key(), r));
              return answers.containsKey(key);
            });
    return answers.get(key);
  }

  private GenericRecord prediction(GenericRecord request) throws Exception {
    ConsumerRecord<String, Object> answer = answer(request);
    assertThat(answer.topic()).as("%s", answer.headers()).isEqualTo(PREDICTIONS);
    return (GenericRecord) answer.value();
  }

  @Test
  @DisplayName("send generic records with the registered schema and read generic predictions")
  void generic() throws Exception {
    GenericRecord prediction =
        prediction(
            request(registered(REQUESTS), "generic", "what a lovely morning")
                .set("attributes", Map.of("shop", "7"))
                .build());

    assertThat(prediction.getSchema().getFullName()).isEqualTo("io.hyperstream.schemas.Prediction");
    assertThat(prediction.get("requestId")).hasToString("generic");
    assertThat(prediction.get("kind")).hasToString("CLASSIFICATION");
    assertThat(prediction.get("label").toString()).isIn("happy", "sad");
    assertThat(prediction.get("attributes")).hasToString("{shop=7}");
    assertThat(prediction.get("createdAt")).isEqualTo(1_700_000_000_123L);
    assertThat((long) prediction.get("predictedAt")).isGreaterThan(1_700_000_000_123L);
    double sum = 0;
    for (Object entry : (List<?>) prediction.get("distribution")) {
      sum += (float) ((GenericRecord) entry).get("probability");
    }
    assertThat(sum).isCloseTo(1, within(1e-4));
  }

  @Test
  @DisplayName("may have an older schema, without the optional fields, or a newer one with more")
  void otherVersions() throws Exception {
    Schema older =
        SchemaBuilder.record("InferenceRequest")
            .namespace("io.hyperstream.schemas")
            .fields()
            .requiredString("requestId")
            .requiredString("taskId")
            .requiredString("text")
            .name("createdAt")
            .type(registered(REQUESTS).getField("createdAt").schema())
            .noDefault()
            .endRecord();
    Schema current = registered(REQUESTS);
    GenericRecord byOlder = prediction(request(older, "older", "what a lovely morning").build());
    assertThat(byOlder.get("label").toString()).isIn("happy", "sad");
    assertThat(byOlder.get("attributes")).isEqualTo(Map.of());

    Schema newer =
        SchemaBuilder.record("InferenceRequest")
            .namespace("io.hyperstream.schemas")
            .fields()
            .requiredString("requestId")
            .requiredString("taskId")
            .requiredString("text")
            .name("textPair")
            .type(current.getField("textPair").schema())
            .withDefault(null)
            .name("attributes")
            .type(current.getField("attributes").schema())
            .withDefault(Map.of())
            .name("createdAt")
            .type(current.getField("createdAt").schema())
            .noDefault()
            .name("urgency")
            .type()
            .intType()
            .intDefault(0)
            .endRecord();
    GenericRecord byNewer =
        prediction(request(newer, "newer", "what a lovely morning").set("urgency", 9).build());
    assertThat(byNewer.get("label")).isEqualTo(byOlder.get("label"));
  }

  @Test
  @DisplayName("are refused by the registry with a schema that would break the others")
  void incompatible() {
    Schema broken =
        SchemaBuilder.record("InferenceRequest")
            .namespace("io.hyperstream.schemas")
            .fields()
            .requiredLong("requestId")
            .endRecord();
    GenericRecord request = new GenericRecordBuilder(broken).set("requestId", 1L).build();
    assertThatThrownBy(() -> send(REQUESTS, "broken", request))
        .isInstanceOf(SerializationException.class)
        .rootCause()
        .hasMessageContaining("409");
  }

  @Test
  @DisplayName(
      "retire a task with a tombstone; their request comes back as they wrote it, with why")
  void tombstone() throws Exception {
    Schema schema = registered(REQUESTS);
    define("interop-brief", "yes", "no");
    GenericRecord before =
        prediction(request(schema, "before", "shall we?").set("taskId", "interop-brief").build());
    assertThat(before.get("taskId")).hasToString("interop-brief");

    send(DEFINITIONS, "interop-brief", null);
    GenericRecord after =
        request(schema, "after", "shall we?").set("taskId", "interop-brief").build();
    ConsumerRecord<String, Object> deadLetter = answer(after);
    assertThat(deadLetter.topic()).isEqualTo(DEAD_LETTERS);
    assertThat(deadLetter.value()).hasToString(after.toString());
    assertThat(header(deadLetter, DeadLetterHeaders.ERROR_CODE)).isEqualTo("UNKNOWN_TASK");
    assertThat(header(deadLetter, DeadLetterHeaders.ERROR_MESSAGE)).contains("interop-brief");
    assertThat(header(deadLetter, DeadLetterHeaders.SOURCE_TOPIC)).isEqualTo(REQUESTS);
    assertThat(Set.of("0", "1", "2", "3"))
        .contains(header(deadLetter, DeadLetterHeaders.SOURCE_PARTITION));
  }

  private static String header(ConsumerRecord<String, Object> record, String name) {
    return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
  }
}
