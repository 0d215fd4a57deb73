package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.confluent.kafka.schemaregistry.avro.AvroSchema;
import io.confluent.kafka.serializers.KafkaAvroSerializer;
import io.hyperstream.app.HyperstreamApplication;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Subjects;
import io.hyperstream.schemas.TaskDefinition;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("While the schema registry is down")
@ExtendWith(SharedCluster.class)
class RegistryOutageIT {
  private static final int REQUESTS = 300;

  @TempDir Path folder;

  /** Serializes with a newer, compatible schema that the application has not seen yet. */
  private static final class NewerSchema implements AutoCloseable {
    final Schema schema;
    final KafkaAvroSerializer serializer;
    final String topic;

    NewerSchema(AppFixture app, String topic, Class<? extends SpecificRecord> type)
        throws Exception {
      this.topic = topic;
      Schema old = Subjects.schemaOf(type);
      List<Schema.Field> fields = new ArrayList<>();
      old.getFields().forEach(field -> fields.add(new Schema.Field(field, field.schema())));
      fields.add(new Schema.Field("note", Schema.create(Schema.Type.STRING), "New.", ""));
      schema = Schema.createRecord(old.getName(), old.getDoc(), old.getNamespace(), false, fields);
      var registry = SchemaRegistries.connect(app.cluster().schemaRegistryUrl(), Map.of());
      registry.register(Subjects.ofValue(topic), new AvroSchema(schema));
      serializer =
          new KafkaAvroSerializer(
              registry, RecordCodec.serializerConfigs(app.cluster().schemaRegistryUrl()));
    }

    byte[] serialize(GenericRecord record) {
      return serializer.serialize(topic, record);
    }

    @Override
    public void close() {
      serializer.close();
    }
  }

  @Test
  @DisplayName("nothing is lost, dead-lettered or doubled, and readiness is red")
  void outage() throws Exception {
    try (AppFixture app = new AppFixture("outage", folder);
        NewerSchema requests =
            new NewerSchema(app, app.topics.requests().name(), InferenceRequest.class);
        NewerSchema definitions =
            new NewerSchema(app, app.topics.definitions().name(), TaskDefinition.class)) {
      app.define(AppFixture.task("mood", "good", "bad"));
      byte[] late = definitions.serialize(newerDefinition(definitions.schema));
      byte[] newer = requests.serialize(newerRequest(requests.schema, "newer", "mood"));
      byte[] forLate = app.encode(AppFixture.request("for-late", "late", "text"));
      byte[] first = app.encode(AppFixture.request("first", "mood", "text"));
      HyperstreamApplication running = app.start(Optional.of(new TestPredictor()));
      app.send(app.topics.requests().name(), "k", first);
      app.awaitAnswers(1, AppFixture.PATIENCE);

      app.cluster().killRegistry();
      int sent = 1;
      while (sent < REQUESTS) {
        app.request("k" + sent, AppFixture.request("r" + sent, "mood", "text " + sent));
        sent++;
        if (sent == 100) { // both need the registry
          app.send(app.topics.requests().name(), "k", newer);
          app.send(app.topics.definitions().name(), "late", late);
          app.flush();
          app.send(app.topics.requests().name(), "k", forLate);
          sent += 2;
        }
      }
      await()
          .atMost(AppFixture.PATIENCE)
          .until(() -> InferenceIT.get(running.port(), "/health/readiness").statusCode() == 503);
      assertThat(InferenceIT.get(running.port(), "/health/liveness").statusCode()).isEqualTo(200);

      app.cluster().restartRegistry();
      app.flush();
      app.awaitAnswers(sent, Duration.ofSeconds(90));
      assertThat(app.deadLetterRecords()).isEmpty();
      assertThat(app.predictions())
          .extracting(Prediction::getRequestId)
          .doesNotHaveDuplicates()
          .hasSize(sent)
          .contains("newer", "for-late");
      await()
          .atMost(AppFixture.PATIENCE)
          .until(() -> InferenceIT.get(running.port(), "/health/readiness").statusCode() == 200);
    }
  }

  private static GenericRecord newerRequest(Schema schema, String id, String taskId) {
    return new GenericRecordBuilder(schema)
        .set("requestId", id)
        .set("taskId", taskId)
        .set("text", "text")
        .set("createdAt", Instant.now().toEpochMilli())
        .set("note", "new")
        .build();
  }

  private static GenericRecord newerDefinition(Schema schema) {
    Schema label = schema.getField("labels").schema().getElementType();
    return new GenericRecordBuilder(schema)
        .set("taskId", "late")
        .set(
            "kind",
            new org.apache.avro.generic.GenericData.EnumSymbol(
                schema.getField("kind").schema(), "CLASSIFICATION"))
        .set(
            "labels",
            List.of(
                new GenericRecordBuilder(label).set("name", "yes").build(),
                new GenericRecordBuilder(label).set("name", "no").build()))
        .set("note", "new")
        .build();
  }
}
