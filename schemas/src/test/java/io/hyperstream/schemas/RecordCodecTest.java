package io.hyperstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.confluent.kafka.schemaregistry.avro.AvroSchema;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.confluent.kafka.serializers.KafkaAvroDeserializer;
import io.confluent.kafka.serializers.KafkaAvroSerializer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The record codec")
class RecordCodecTest {
  private final Topics topics = new Topics(Topics.Settings.defaults());
  private final String requests = topics.requests().name();
  private String url;
  private SchemaRegistryClient registry;
  private RecordCodec codec;

  @BeforeEach
  void setUp(TestInfo test) throws Exception {
    url =
        "mock://" + test.getTestMethod().orElseThrow().getName() + test.getDisplayName().hashCode();
    registry = SchemaRegistries.connect(url, Map.of());
    new SchemaRegistrar(registry, topics).register(Duration.ZERO);
    codec = new RecordCodec(registry);
  }

  static List<SpecificRecord> records() {
    return Records.oneOfEach();
  }

  private Topic topicOf(SpecificRecord record) {
    return topics.all().stream()
        .filter(t -> t.value().filter(type -> type == record.getClass()).isPresent())
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @MethodSource("records")
  @DisplayName("gives back what it was given, in Confluent's wire format")
  void roundTrip(SpecificRecord record) {
    String topic = topicOf(record).name();

    byte[] bytes = codec.serialize(topic, record);
    SpecificRecord back = codec.deserialize(topic, bytes, record.getClass());

    assertThat(bytes[0]).isZero();
    assertThat(back).isEqualTo(record).isInstanceOf(record.getClass());
  }

  @Test
  @DisplayName("reads Java strings and instants")
  void javaTypes() {
    byte[] bytes = codec.serialize(requests, Records.request().build());

    InferenceRequest back = codec.deserialize(requests, bytes, InferenceRequest.class);

    assertThat(back.getAttributes()).containsExactly(Map.entry("tenant", "a"));
    assertThat(back.getCreatedAt()).isEqualTo(Records.NOW);
  }

  @Test
  @DisplayName("understands a plain Confluent serializer with generic Avro, and is understood")
  void interoperates() {
    Schema schema = Subjects.schemaOf(InferenceRequest.class);
    GenericRecord generic = new GenericData.Record(schema);
    generic.put("requestId", "g-1");
    generic.put("taskId", "emotion");
    generic.put("text", "hello");
    generic.put("attributes", Map.of());
    generic.put("createdAt", 1234L);
    Map<String, ?> plain = Map.of("schema.registry.url", url, "auto.register.schemas", false);

    try (KafkaAvroSerializer serializer = new KafkaAvroSerializer(registry, plain);
        KafkaAvroDeserializer deserializer = new KafkaAvroDeserializer(registry, plain)) {
      byte[] theirs = serializer.serialize(requests, generic);
      InferenceRequest read = codec.deserialize(requests, theirs, InferenceRequest.class);
      byte[] ours = codec.serialize(requests, read);

      assertThat(read.getText()).isEqualTo("hello");
      assertThat(read.getCreatedAt().toEpochMilli()).isEqualTo(1234);
      assertThat(ours).isEqualTo(theirs);
      assertThat(((GenericRecord) deserializer.deserialize(requests, ours)).get("text"))
          .hasToString("hello");
    }
  }

  /** With a field more, before the others. */
  private static Schema newerLabelEvent() {
    return new Schema.Parser()
        .parse(
            Subjects.schemaOf(LabelEvent.class)
                .toString()
                .replaceFirst(
                    "\"fields\":\\[",
                    "\"fields\":[{\"name\":\"weight\",\"type\":\"int\",\"default\":1},"));
  }

  @Test
  @DisplayName("reads a record of another compatible version")
  void otherVersion() throws Exception {
    Schema newer = newerLabelEvent();
    String topic = topics.labels().name();
    registry.register(Subjects.ofValue(topic), new AvroSchema(newer));
    GenericRecord event = new GenericData.Record(newer);
    event.put("weight", 7);
    event.put("taskId", "emotion");
    event.put("source", "rule");
    event.put("createdAt", 5L);

    byte[] bytes;
    try (KafkaAvroSerializer serializer =
        new KafkaAvroSerializer(
            registry, Map.of("schema.registry.url", url, "auto.register.schemas", false))) {
      bytes = serializer.serialize(topic, event);
    }

    assertThat(codec.deserialize(topic, bytes, LabelEvent.class).getSource()).isEqualTo("rule");
  }

  static List<byte[]> unframed() {
    return List.of(
        new byte[0],
        new byte[] {0, 0, 0},
        "{\"text\":\"json\"}".getBytes(StandardCharsets.UTF_8),
        new byte[] {0, -1, -1, -1, -1, 2},
        new byte[] {0, 0, 0, 0, 0, 2});
  }

  @ParameterizedTest
  @MethodSource("unframed")
  @DisplayName("calls bytes without Confluent's frame undecodable")
  void unframed(byte[] bytes) {
    assertUndecodable(bytes);
  }

  @Test
  @DisplayName("calls a tombstone and an unknown schema id undecodable")
  void unknownId() {
    assertUndecodable(null);
    assertUndecodable(new byte[] {0, 0, 0, 99, 99, 2});
  }

  @Test
  @DisplayName("waits a while for a schema the registry does not know yet, then calls it unknown")
  void graceForSchemas() {
    AtomicLong now = new AtomicLong();
    RecordCodec patient = new RecordCodec(registry, RecordCodec.GRACE, now::get);
    byte[] bytes = {0, 0, 0, 99, 99, 2};
    assertNotYet(patient, bytes);
    now.set(RecordCodec.GRACE.toNanos() - 1);
    assertNotYet(patient, bytes);
    assertNotYet(patient, new byte[] {0, 0, 0, 99, 98, 2});
    now.set(RecordCodec.GRACE.toNanos());
    assertThatThrownBy(() -> patient.deserialize(requests, bytes, InferenceRequest.class))
        .isInstanceOf(UndecodableRecordException.class);
    assertNotYet(patient, new byte[] {0, 0, 0, 99, 98, 2});
    now.set(Duration.ofHours(1).toNanos()); // asked long ago, for another record
    assertNotYet(patient, bytes);
  }

  private void assertNotYet(RecordCodec patient, byte[] bytes) {
    assertThatThrownBy(() -> patient.deserialize(requests, bytes, InferenceRequest.class))
        .isInstanceOf(RegistryUnavailableException.class)
        .hasMessageContaining("does not know schema");
  }

  @Test
  @DisplayName("reads a record whose schema the registry learns of a moment later")
  void schemaComesLater() throws Exception {
    Schema newer = newerLabelEvent();
    String topic = topics.labels().name();
    SchemaRegistryClient leader = SchemaRegistries.connect(url + "leader", Map.of());
    new SchemaRegistrar(leader, topics).register(Duration.ZERO);
    int id = leader.register(Subjects.ofValue(topic), new AvroSchema(newer));
    byte[] bytes =
        codec.serialize(
            topic, LabelEvent.newBuilder().setTaskId("t").setCreatedAt(Records.NOW).build());
    ByteBuffer written =
        ByteBuffer.allocate(bytes.length + 1).put((byte) 0).putInt(id).put((byte) 14);
    written.put(bytes, 5, bytes.length - 5);
    RecordCodec patient = new RecordCodec(registry, RecordCodec.GRACE, () -> 0);
    assertThatThrownBy(() -> patient.deserialize(topic, written.array(), LabelEvent.class))
        .isInstanceOf(RegistryUnavailableException.class);
    assertThat(registry.register(Subjects.ofValue(topic), new AvroSchema(newer))).isEqualTo(id);
    assertThat(patient.deserialize(topic, written.array(), LabelEvent.class).getTaskId())
        .isEqualTo("t");
  }

  @Test
  @DisplayName("calls a record of another type undecodable and names both")
  void otherType() {
    String labels = topics.labels().name();
    byte[] bytes =
        codec.serialize(
            labels, LabelEvent.newBuilder().setTaskId("t").setCreatedAt(Records.NOW).build());

    assertThatThrownBy(() -> codec.deserialize(requests, bytes, InferenceRequest.class))
        .isInstanceOf(UndecodableRecordException.class);
    assertThatThrownBy(() -> codec.deserialize(labels, bytes, InferenceRequest.class))
        .isInstanceOf(UndecodableRecordException.class)
        .hasMessageContaining("InferenceRequest")
        .hasMessageContaining("LabelEvent");
  }

  @Test
  @DisplayName("calls truncated bytes undecodable, wherever they end")
  void truncated() {
    byte[] bytes = codec.serialize(requests, Records.request().build());

    for (int length = 0; length < bytes.length; length++) {
      assertUndecodable(Arrays.copyOf(bytes, length));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Integer.MAX_VALUE - 8L, 1L << 40, Long.MIN_VALUE})
  @DisplayName("does not believe a length that the bytes cannot hold")
  void hugeLength(long length) {
    byte[] frame = Arrays.copyOf(codec.serialize(requests, Records.request().build()), 5);
    ByteBuffer bytes = ByteBuffer.allocate(64).put(frame);
    long zigzag = (length << 1) ^ (length >> 63);
    for (; (zigzag & ~0x7FL) != 0; zigzag >>>= 7) {
      bytes.put((byte) ((zigzag & 0x7F) | 0x80));
    }
    bytes.put((byte) zigzag);

    assertUndecodable(Arrays.copyOf(bytes.array(), bytes.position() + 3));
  }

  @Test
  @DisplayName("blames the registry, not the record, for an outage or an odd answer")
  void registryFailures() throws IOException {
    byte[] bytes = codec.serialize(requests, Records.request().build());
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    int[] status = {500};
    server.createContext(
        "/",
        exchange -> {
          byte[] body = "<html>not a registry</html>".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status[0], body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    RecordCodec remote =
        new RecordCodec(
            SchemaRegistries.connect(
                "http://127.0.0.1:" + server.getAddress().getPort(), Map.of()));
    try {
      for (int code : new int[] {500, 503, 429, 401, 403, 404, 200}) {
        status[0] = code;
        assertRegistryBlamed(remote, bytes);
      }
    } finally {
      server.stop(0);
    }
    assertRegistryBlamed(remote, bytes);
  }

  private void assertRegistryBlamed(RecordCodec remote, byte[] bytes) {
    assertThatThrownBy(() -> remote.deserialize(requests, bytes, InferenceRequest.class))
        .isInstanceOf(RegistryUnavailableException.class);
    assertThatThrownBy(() -> remote.serialize(requests, Records.request().build()))
        .isInstanceOf(RegistryUnavailableException.class);
  }

  @Test
  @DisplayName("refuses a record without a required field")
  void missingField() {
    InferenceRequest incomplete = new InferenceRequest();
    incomplete.setRequestId("r");

    assertThatThrownBy(() -> codec.serialize(requests, incomplete))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("InferenceRequest");
  }

  @Test
  @DisplayName("blames the registry when the schema was never registered")
  void unregistered() {
    assertThatThrownBy(() -> codec.serialize("elsewhere", Records.request().build()))
        .isInstanceOf(RegistryUnavailableException.class)
        .hasMessageContaining("elsewhere-value");
  }

  @Test
  @DisplayName("serves many threads at once")
  void threads() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Callable<Boolean>> jobs =
          IntStream.range(0, 8)
              .mapToObj(job -> (Callable<Boolean>) () -> roundTrips(job, 500))
              .toList();
      for (Future<Boolean> done : pool.invokeAll(jobs)) {
        assertThat(done.get()).isTrue();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private boolean roundTrips(int job, int count) {
    for (int i = 0; i < count; i++) {
      InferenceRequest request = Records.request().setRequestId(job + "-" + i).build();
      byte[] bytes = codec.serialize(requests, request);
      if (!codec.deserialize(requests, bytes, InferenceRequest.class).equals(request)) {
        return false;
      }
    }
    return true;
  }

  private void assertUndecodable(byte[] bytes) {
    assertThatThrownBy(() -> codec.deserialize(requests, bytes, InferenceRequest.class))
        .isInstanceOf(UndecodableRecordException.class);
  }
}
