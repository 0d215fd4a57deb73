package io.hyperstream.app.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.confluent.kafka.schemaregistry.avro.AvroSchema;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRefusedException;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Subjects;
import io.hyperstream.schemas.TopicProvisioner;
import io.hyperstream.schemas.Topics;
import io.hyperstream.schemas.UndecodableRecordException;
import io.hyperstream.testing.ChildJvm;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The embedded cluster")
class EmbeddedClusterIT {
  private static final Duration TIMEOUT = Duration.ofSeconds(60);

  private final Topics topics = new Topics(Topics.Settings.defaults());
  private final String requests = topics.requests().name();

  @TempDir Path temp;

  private static RecordCodec codec(EmbeddedCluster cluster) {
    return new RecordCodec(registry(cluster));
  }

  private static SchemaRegistryClient registry(EmbeddedCluster cluster) {
    return SchemaRegistries.connect(cluster.schemaRegistryUrl(), Map.of());
  }

  private static Admin admin(EmbeddedCluster cluster) {
    return Admin.create(Map.of("bootstrap.servers", cluster.bootstrapServers()));
  }

  private void prepare(EmbeddedCluster cluster) throws Exception {
    try (Admin admin = admin(cluster)) {
      new TopicProvisioner(admin, (short) -1).ensure(topics.all(), true, TIMEOUT);
    }
    new SchemaRegistrar(registry(cluster), topics).register(TIMEOUT);
  }

  private static InferenceRequest request(String id) {
    return InferenceRequest.newBuilder()
        .setRequestId(id)
        .setTaskId("t")
        .setText("text of " + id)
        .setCreatedAt(Instant.ofEpochMilli(1))
        .build();
  }

  private void send(EmbeddedCluster cluster, boolean commit, String... ids) throws Exception {
    Map<String, Object> configs =
        Map.of("bootstrap.servers", cluster.bootstrapServers(), "transactional.id", "it");
    RecordCodec codec = codec(cluster);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(configs, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.initTransactions();
      producer.beginTransaction();
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (String id : ids) {
        byte[] value = codec.serialize(requests, request(id));
        sent.add(producer.send(new ProducerRecord<>(requests, value)));
      }
      for (Future<RecordMetadata> record : sent) {
        record.get();
      }
      if (commit) {
        producer.commitTransaction();
      } else {
        producer.abortTransaction();
      }
    }
  }

  /** Every request in read-committed output. */
  private List<String> committed(EmbeddedCluster cluster) {
    Map<String, Object> configs =
        Map.of(
            "bootstrap.servers",
            cluster.bootstrapServers(),
            "isolation.level",
            "read_committed",
            "auto.offset.reset",
            "earliest");
    RecordCodec codec = codec(cluster);
    List<String> ids = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(configs, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(requests).stream()
              .map(info -> new TopicPartition(requests, info.partition()))
              .toList();
      consumer.assign(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      await()
          .atMost(TIMEOUT)
          .until(
              () -> {
                for (ConsumerRecord<byte[], byte[]> record :
                    consumer.poll(Duration.ofMillis(200))) {
                  ids.add(
                      codec
                          .deserialize(requests, record.value(), InferenceRequest.class)
                          .getRequestId());
                }
                return ends.entrySet().stream()
                    .allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
              });
    }
    return ids;
  }

  @Test
  @DisplayName("serves transactions and schemas, keeps both over a restart and its ports too")
  void restart() throws Exception {
    Path data = temp.resolve("data with spaces");
    String bootstrap;
    String url;
    int id;
    try (EmbeddedCluster cluster = EmbeddedCluster.start(EmbeddedCluster.Options.in(data))) {
      prepare(cluster);
      send(cluster, true, "a", "b", "c");
      send(cluster, false, "aborted");
      assertThat(committed(cluster)).containsExactlyInAnyOrder("a", "b", "c");
      bootstrap = cluster.bootstrapServers();
      url = cluster.schemaRegistryUrl();
      id = registry(cluster).getLatestSchemaMetadata(Subjects.ofValue(requests)).getId();
    }

    try (EmbeddedCluster cluster = EmbeddedCluster.start(EmbeddedCluster.Options.in(data))) {
      prepare(cluster); // finds everything there
      send(cluster, true, "d");

      assertThat(committed(cluster)).containsExactlyInAnyOrder("a", "b", "c", "d");
      assertThat(cluster.bootstrapServers()).isEqualTo(bootstrap);
      assertThat(cluster.schemaRegistryUrl()).isEqualTo(url);
      SchemaRegistryClient registry = registry(cluster);
      assertThat(registry.getAllVersions(Subjects.ofValue(requests))).containsExactly(1);
      assertThat(registry.getLatestSchemaMetadata(Subjects.ofValue(requests)).getId())
          .isEqualTo(id);
    }
  }

  @Test
  @DisplayName("creates topics as the contract says, refuses a held directory, survives an outage")
  void oneCluster() throws Exception {
    Path data = temp.resolve("data");
    try (EmbeddedCluster cluster =
        EmbeddedCluster.start(
            EmbeddedCluster.Options.in(data).withPorts(FreePorts.next(), FreePorts.next()))) {
      missingTopicsAreNamed(cluster);
      prepare(cluster);
      topicsAreConfigured(cluster);
      streamsGroupsAreSupported(cluster);
      schemasAreGuarded(cluster);
      heldDirectoryIsRefused(data);
      incompatibleSubjectIsRefused(cluster);
      interruptLeavesTheRegistryRunning(cluster);
      registrySurvivesAnOutage(cluster);
    }
  }

  private void missingTopicsAreNamed(EmbeddedCluster cluster) {
    try (Admin admin = admin(cluster)) {
      TopicProvisioner provisioner = new TopicProvisioner(admin, (short) -1);
      assertThatThrownBy(() -> provisioner.ensure(topics.all(), false, TIMEOUT))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("inference.dead-letters")
          .hasMessageContaining("cleanup.policy=compact");
    }
  }

  private void topicsAreConfigured(EmbeddedCluster cluster) throws Exception {
    try (Admin admin = admin(cluster)) {
      new TopicProvisioner(admin, (short) -1).ensure(topics.all(), false, TIMEOUT);
      var described =
          admin.describeTopics(topics.all().stream().map(t -> t.name()).toList()).allTopicNames();
      described
          .get()
          .forEach(
              (name, topic) ->
                  assertThat(topic.partitions())
                      .as(name)
                      .hasSize(name.startsWith("task.") ? 1 : 4));
    }
  }

  private static void streamsGroupsAreSupported(EmbeddedCluster cluster) throws Exception {
    try (Admin admin = admin(cluster)) {
      FinalizedVersionRange range =
          admin
              .describeFeatures()
              .featureMetadata()
              .get()
              .finalizedFeatures()
              .get("streams.version");
      assertThat(Optional.ofNullable(range)).isPresent();
      assertThat(range.maxVersionLevel()).isGreaterThanOrEqualTo((short) 1);
    }
  }

  private void schemasAreGuarded(EmbeddedCluster cluster) throws Exception {
    SchemaRegistryClient registry = registry(cluster);
    for (String subject : Subjects.of(topics).keySet()) {
      assertThat(registry.getCompatibility(subject)).isEqualTo("FULL_TRANSITIVE");
    }
    RecordCodec codec = codec(cluster);
    for (byte[] bytes :
        List.of(new byte[] {0, 0, 0, 99, 99, 2}, new byte[] {0, 127, -1, -1, -1, 2})) {
      assertThatThrownBy(() -> codec.deserialize(requests, bytes, InferenceRequest.class))
          .isInstanceOf(UndecodableRecordException.class);
    }
  }

  private static void incompatibleSubjectIsRefused(EmbeddedCluster cluster) throws Exception {
    Topics others = new Topics(Topics.Settings.defaults().withPrefix("others."));
    String subject = Subjects.ofValue(others.predictions().name());
    SchemaRegistryClient registry = registry(cluster);
    registry.register(
        subject,
        new AvroSchema(
            "{\"type\":\"record\",\"name\":\"Prediction\",\"namespace\":\"io.hyperstream.schemas\","
                + "\"fields\":[{\"name\":\"requestId\",\"type\":\"long\"}]}"));

    assertThatThrownBy(() -> new SchemaRegistrar(registry, others).register(TIMEOUT))
        .isInstanceOf(SchemaRefusedException.class)
        .hasMessageContaining(subject)
        .hasMessageContaining("HTTP 409");
    assertThat(registry.getAllVersions(subject)).hasSize(1);
  }

  /** Ctrl-C reaches the whole process group; the application still needs the registry to drain. */
  private static void interruptLeavesTheRegistryRunning(EmbeddedCluster cluster) throws Exception {
    for (String signal : List.of("-INT", "-HUP")) {
      Process kill =
          new ProcessBuilder("kill", signal, Long.toString(cluster.registryPid())).start();
      assertThat(kill.waitFor()).isZero();
    }
    await()
        .during(Duration.ofSeconds(1))
        .atMost(Duration.ofSeconds(10))
        .until(() -> !registry(cluster).getAllSubjects().isEmpty());
  }

  private static void heldDirectoryIsRefused(Path data) {
    assertThatThrownBy(() -> EmbeddedCluster.start(EmbeddedCluster.Options.in(data)))
        .isInstanceOf(EmbeddedClusterException.class)
        .hasMessageContaining(data.toString())
        .hasMessageContaining("process " + ProcessHandle.current().pid());
  }

  private void registrySurvivesAnOutage(EmbeddedCluster cluster) throws Exception {
    byte[] bytes = codec(cluster).serialize(requests, request("x"));
    long pid = cluster.registryPid();

    cluster.killRegistry();
    assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
    cluster.restartRegistry();

    assertThat(codec(cluster).deserialize(requests, bytes, InferenceRequest.class))
        .isEqualTo(request("x"));
  }

  @Test
  @DisplayName("says which port is taken, and leaves nothing running or locked")
  void takenPort() throws Exception {
    Path data = temp.resolve("data");
    List<Long> before = liveChildren(); // other tests of this JVM may keep a cluster
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();
      EmbeddedCluster.Options options = EmbeddedCluster.Options.in(data);
      assertThatThrownBy(() -> EmbeddedCluster.start(options.withPorts(port, 0)))
          .isInstanceOf(EmbeddedClusterException.class)
          .hasMessageContaining("port " + port + " for the embedded kafka");
      assertThatThrownBy(() -> EmbeddedCluster.start(options.withPorts(0, port)))
          .isInstanceOf(EmbeddedClusterException.class)
          .hasMessageContaining("port " + port + " for the embedded registry");
      assertThatThrownBy(
              () -> EmbeddedKafka.start(temp.resolve("k"), port, FreePorts.next(), Map.of()))
          .isInstanceOf(EmbeddedClusterException.class)
          .hasMessageContaining("port " + port);
      assertThatThrownBy(
              () -> EmbeddedRegistry.start(temp.resolve("r"), port, Duration.ofMinutes(1)))
          .isInstanceOf(EmbeddedClusterException.class)
          .hasMessageContaining("registry.log");
    }
    DataDirectory.open(data).close();
    assertThat(before).containsAll(liveChildren());
  }

  private static List<Long> liveChildren() {
    return ProcessHandle.current()
        .children()
        .filter(ProcessHandle::isAlive)
        .map(ProcessHandle::pid)
        .toList();
  }

  @Test
  @DisplayName("leaves no registry behind when its process is killed, and starts again on its data")
  void killedParent() throws Exception {
    Path data = temp.resolve("data");
    Path report = temp.resolve("report");
    List<String> java = ChildJvm.command();
    java.addAll(List.of("-Xmx512m", "-cp", System.getProperty("java.class.path")));
    java.addAll(List.of(EmbeddedClusterMain.class.getName(), data.toString(), report.toString()));
    ProcessBuilder command =
        new ProcessBuilder(java)
            .redirectErrorStream(true)
            .redirectOutput(temp.resolve("parent.log").toFile());
    // Its port is the parent's: the registry must not ask for it again.
    command
        .environment()
        .put(
            "JAVA_TOOL_OPTIONS",
            "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:"
                + FreePorts.next());
    Process parent = command.start();
    long registryPid;
    try {
      await().atMost(Duration.ofMinutes(2)).until(() -> Files.exists(report) || !parent.isAlive());
      assertThat(report).as(Files.readString(temp.resolve("parent.log"))).exists();
      registryPid = Long.parseLong(Files.readAllLines(report).get(2));
      assertThat(ProcessHandle.of(registryPid)).isPresent();

      assertThatThrownBy(() -> EmbeddedCluster.start(EmbeddedCluster.Options.in(data)))
          .hasMessageContaining("process " + parent.pid());
    } finally {
      parent.destroyForcibly();
    }

    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> ProcessHandle.of(registryPid).filter(ProcessHandle::isAlive).isEmpty());
    try (EmbeddedCluster cluster = EmbeddedCluster.start(EmbeddedCluster.Options.in(data))) {
      prepare(cluster);
      send(cluster, true, "after");
      assertThat(committed(cluster)).containsExactly("after");
    }
  }
}
