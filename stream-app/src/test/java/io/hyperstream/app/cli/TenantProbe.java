package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.app.embedded.SecureCluster;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Kafka's own clients in the hands of one tenant's most powerful user, trying everything. */
final class TenantProbe implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Map<String, Object> properties;
  private final Admin admin;

  TenantProbe(Map<String, String> user, SecureCluster cluster) {
    properties = new HashMap<>(user);
    properties.keySet().removeIf(name -> name.startsWith("basic.") || name.startsWith("schema."));
    properties.put("bootstrap.servers", cluster.bootstrapServers());
    admin = Admin.create(properties);
  }

  private Map<String, Object> with(String name, Object value) {
    Map<String, Object> more = new HashMap<>(properties);
    more.put(name, value);
    return more;
  }

  private KafkaConsumer<byte[], byte[]> consumer(String group) {
    Map<String, Object> settings = with("auto.offset.reset", "earliest");
    if (!group.isEmpty()) {
      settings.put("group.id", group);
    }
    return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static KafkaProducer<byte[], byte[]> producer(Map<String, Object> settings) {
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  /** Those it is shown. */
  Set<String> topics() throws Exception {
    return admin.listTopics().names().get();
  }

  Set<String> groups() throws Exception {
    return admin.listGroups().all().get().stream()
        .map(GroupListing::groupId)
        .collect(Collectors.toSet());
  }

  private static void refused(ThrowingCallable call, Class<?> with) {
    assertThatThrownBy(call)
        .satisfies(
            failure ->
                assertThat(failure instanceof ExecutionException ? failure.getCause() : failure)
                    .isInstanceOf(with));
  }

  /** Another tenant's topic can be neither described, read, written, emptied nor deleted. */
  void refusedTopic(String topic) {
    Class<?> refusal = TopicAuthorizationException.class;
    TopicPartition partition = new TopicPartition(topic, 0);
    refused(() -> admin.describeTopics(List.of(topic)).allTopicNames().get(), refusal);
    refused(
        () ->
            admin
                .describeConfigs(List.of(new ConfigResource(ConfigResource.Type.TOPIC, topic)))
                .all()
                .get(),
        refusal);
    try (KafkaConsumer<byte[], byte[]> consumer = consumer("")) {
      consumer.assign(List.of(partition));
      refused(() -> consumer.poll(PATIENCE), refusal);
    }
    try (KafkaProducer<byte[], byte[]> producer = producer(properties)) {
      refused(() -> producer.send(new ProducerRecord<>(topic, new byte[1])).get(), refusal);
    }
    refused(() -> admin.deleteTopics(List.of(topic)).all().get(), refusal);
    refused(
        () -> admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(0))).all().get(),
        refusal);
  }

  /** Nor can its groups be joined or looked at, its transactions fenced, or topics made there. */
  void refusedGroupAndTransactions(String prefix) {
    String group = prefix + "hyperstream-inference";
    refused(
        () -> admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get(),
        GroupAuthorizationException.class);
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(prefix + "clients.spy")) {
      consumer.subscribe(List.of(prefix + "inference.predictions"));
      assertThatThrownBy(() -> consumer.poll(PATIENCE))
          .isInstanceOfAny(GroupAuthorizationException.class, TopicAuthorizationException.class);
    }
    String id = prefix + "hyperstream-inference-0";
    try (KafkaProducer<byte[], byte[]> producer = producer(with("transactional.id", id))) {
      refused(producer::initTransactions, TransactionalIdAuthorizationException.class);
    }
    refused(
        () -> admin.fenceProducers(List.of(id)).all().get(),
        TransactionalIdAuthorizationException.class);
    refused(
        () -> admin.createTopics(List.of(new NewTopic(prefix + "mine", 1, (short) 1))).all().get(),
        TopicAuthorizationException.class);
  }

  /** The same calls under its own prefix. */
  void allowed(String prefix) throws Exception {
    String topic = prefix + "inference.predictions";
    admin.describeTopics(List.of(topic)).allTopicNames().get();
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(prefix + "clients.own")) {
      consumer.subscribe(List.of(topic));
      consumer.poll(Duration.ofMillis(100));
      assertThat(consumer.partitionsFor(topic)).isNotEmpty();
    }
    admin
        .listConsumerGroupOffsets(prefix + "hyperstream-inference")
        .partitionsToOffsetAndMetadata()
        .get();
    try (KafkaProducer<byte[], byte[]> producer =
        producer(with("transactional.id", prefix + "probe"))) {
      producer.initTransactions();
    }
  }

  @Override
  public void close() {
    admin.close();
  }
}
