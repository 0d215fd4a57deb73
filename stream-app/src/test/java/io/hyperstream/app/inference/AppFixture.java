package io.hyperstream.app.inference;

import static org.awaitility.Awaitility.await;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.HyperstreamApplication;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.TopicProvisioner;
import io.hyperstream.schemas.Topics;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;

/** An application on the shared cluster, under a prefix of its own, and clients to talk to it. */
public final class AppFixture implements AutoCloseable {
  public static final Duration PATIENCE = Duration.ofSeconds(60);

  public final Topics topics;
  public final RecordCodec codec;
  private final EmbeddedCluster cluster = SharedCluster.cluster();
  private final Map<String, Object> properties = new HashMap<>();
  private final SchemaRegistryClient registry;
  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaConsumer<byte[], byte[]> outputs;
  private final Map<String, List<ConsumerRecord<byte[], byte[]>>> read = new ConcurrentHashMap<>();
  private final AtomicReference<Exception> sendFailure = new AtomicReference<>();
  private HyperstreamApplication application;
  private int removals;

  static {
    // A stream thread that fails is replaced; that is part of what is tested.
    Awaitility.doNotCatchUncaughtExceptionsByDefault();
  }

  public AppFixture(String prefix, Path folder) throws Exception {
    topics = new Topics(Topics.Settings.defaults().withPrefix(prefix + "."));
    registry = SchemaRegistries.connect(cluster.schemaRegistryUrl(), Map.of());
    codec = new RecordCodec(registry);
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", cluster.bootstrapServers(), "linger.ms", 5),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    set("kafka.bootstrap-servers", cluster.bootstrapServers());
    set("kafka.application-id", prefix + "-app");
    set("kafka.topic-prefix", prefix + ".");
    set("registry.url", cluster.schemaRegistryUrl());
    set("streams.state-dir", folder.resolve("streams").toString());
    set("model.dir", folder.resolve("models").toString());
    set("model.name", StarterModel.NAME); // has source tasks, writes text, and loads fast
    set("http.port", -1);
    set("roles", "inference");
    try (Admin admin = admin()) {
      new TopicProvisioner(admin, (short) 1).ensure(topics.all(), true, PATIENCE);
    }
    new SchemaRegistrar(registry, topics).register(PATIENCE);
    List<String> read =
        Stream.of(
                topics.predictions(),
                topics.deadLetters(),
                topics.adapters(),
                topics.adapterVersions(),
                topics.reports())
            .map(Topic::name)
            .toList();
    read.forEach(topic -> this.read.put(topic, new CopyOnWriteArrayList<>()));
    outputs = SharedCluster.reader(read);
  }

  public AppFixture set(String key, Object value) {
    properties.put("hyperstream." + key, value);
    return this;
  }

  public Admin admin() {
    return Admin.create(Map.of("bootstrap.servers", cluster.bootstrapServers()));
  }

  /** Changes a setting of a topic. */
  public void configure(Topic topic, String name, String value) throws Exception {
    AlterConfigOp change =
        new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
    try (Admin admin = admin()) {
      admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get();
    }
  }

  /** Returns when the broker has removed whatever is to be removed of all its topics. */
  public void awaitRetention() throws Exception {
    // Each is removed in a pass over all topics, the second in one that began after the first.
    for (int pass = 0; pass < 2; pass++) {
      String name = topics.settings().prefix() + "removed-" + ++removals;
      TopicPartition partition = new TopicPartition(name, 0);
      try (Admin admin = admin()) {
        NewTopic topic = new NewTopic(name, 1, (short) 1);
        admin.createTopics(List.of(topic.configs(Map.of("retention.ms", "1000")))).all().get();
        send(new ProducerRecord<>(name, 0, 1L, null, new byte[1]));
        flush();
        await("retention")
            .atMost(PATIENCE)
            .until(
                () ->
                    admin
                            .listOffsets(Map.of(partition, OffsetSpec.earliest()))
                            .partitionResult(partition)
                            .get()
                            .offset()
                        == 1);
      }
    }
  }

  public EmbeddedCluster cluster() {
    return cluster;
  }

  public HyperstreamApplication start(Optional<Predictor> predictor) throws Exception {
    application =
        predictor.isPresent()
            ? HyperstreamApplication.start(properties, predictor.get())
            : HyperstreamApplication.start(properties);
    application.awaitRunning(PATIENCE);
    return application;
  }

  /** Another process's worth of it, in this JVM; closed by the caller. */
  public HyperstreamApplication startAnother(Map<String, Object> overrides) throws Exception {
    Map<String, Object> other = new HashMap<>(properties);
    overrides.forEach((key, value) -> other.put("hyperstream." + key, value));
    HyperstreamApplication another = HyperstreamApplication.start(other);
    another.awaitRunning(PATIENCE);
    return another;
  }

  public void stop() {
    application.close();
  }

  public HyperstreamApplication application() {
    return application;
  }

  public Predictor predictor() {
    return application.context().getBean(Predictor.class);
  }

  public double count(String meter) {
    return application.context().getBean(MeterRegistry.class).get(meter).counter().count();
  }

  public static TaskDefinition.Builder task(String taskId, String... labels) {
    return TaskDefinition.newBuilder()
        .setTaskId(taskId)
        .setKind(TaskKind.CLASSIFICATION)
        .setLabels(
            List.of(labels).stream().map(label -> new TaskLabel(label, null, null)).toList());
  }

  public void define(TaskDefinition.Builder task) {
    byte[] value = codec.serialize(topics.definitions().name(), task.build());
    send(topics.definitions().name(), task.getTaskId(), value);
    flush();
  }

  public void send(String topic, String key, byte[] value) {
    send(new ProducerRecord<>(topic, key.getBytes(StandardCharsets.UTF_8), value));
  }

  /** Without waiting; a failure shows at the next flush or read. */
  public void send(ProducerRecord<byte[], byte[]> record) {
    var unused =
        producer.send(
            record,
            (metadata, failure) -> {
              if (failure != null) {
                sendFailure.compareAndSet(null, failure);
              }
            });
  }

  public static InferenceRequest.Builder request(String id, String taskId, String text) {
    return InferenceRequest.newBuilder()
        .setRequestId(id)
        .setTaskId(taskId)
        .setText(text)
        .setCreatedAt(Instant.now());
  }

  public byte[] encode(InferenceRequest.Builder request) {
    return codec.serialize(topics.requests().name(), request.build());
  }

  public void request(String key, InferenceRequest.Builder request) {
    send(topics.requests().name(), key, encode(request));
  }

  public void flush() {
    producer.flush();
    if (sendFailure.get() != null) {
      throw new IllegalStateException("a record could not be sent", sendFailure.get());
    }
  }

  /** Reads what has been committed since the last call. */
  public void readOutputs() {
    for (ConsumerRecord<byte[], byte[]> record : outputs.poll(Duration.ofMillis(200))) {
      read.get(record.topic()).add(record);
    }
  }

  /** Waits for this many committed answers of either kind. */
  public void awaitAnswers(int count, Duration patience) {
    await("answers")
        .atMost(patience)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(10))
        .until(
            () -> {
              readOutputs();
              return predictionRecords().size() + deadLetterRecords().size() >= count;
            });
  }

  /** What was read of a topic of outputs. */
  public List<ConsumerRecord<byte[], byte[]>> records(Topic topic) {
    return read.get(topic.name());
  }

  public List<ConsumerRecord<byte[], byte[]>> predictionRecords() {
    return records(topics.predictions());
  }

  public List<ConsumerRecord<byte[], byte[]>> deadLetterRecords() {
    return records(topics.deadLetters());
  }

  public List<Prediction> predictions() {
    return predictionRecords().stream().map(this::decode).toList();
  }

  public Prediction decode(ConsumerRecord<byte[], byte[]> record) {
    return codec.deserialize(record.topic(), record.value(), Prediction.class);
  }

  public static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    var header = record.headers().lastHeader(name);
    return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws java.io.IOException {
    if (application != null) {
      application.close();
    }
    producer.close();
    outputs.close();
    registry.close();
  }
}
