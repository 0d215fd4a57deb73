package io.hyperstream.app.streams;

import io.hyperstream.app.config.KafkaSettings;
import io.hyperstream.app.config.LimitSettings;
import io.hyperstream.app.config.RegistrySettings;
import io.hyperstream.app.config.StreamsSettings;
import io.hyperstream.schemas.Topics;
import jakarta.inject.Singleton;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The sections of the configuration every role needs. */
@Singleton
public record ClusterSettings(
    KafkaSettings kafka, RegistrySettings registry, StreamsSettings streams, LimitSettings limits) {

  public Topics topics() {
    return new Topics(
        new Topics.Settings(
            kafka.topicPrefix(),
            kafka.partitions(),
            (short) kafka.replicationFactor(),
            kafka.retention(),
            kafka.deadLetterRetention(),
            limits.maxRequestBytes()));
  }

  /** Properties of any Kafka client; the caller's own. */
  public Map<String, Object> client() {
    Map<String, Object> client = new HashMap<>(kafka.properties());
    client.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
    return client;
  }

  /** A consumer without a group, from the first record on. */
  public Consumer<byte[], byte[]> reader(String clientId, IsolationLevel isolation) {
    Map<String, Object> configs = client();
    configs.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation.toString());
    configs.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    // A broker would make a missing topic with its defaults, which remove records with time.
    configs.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
    configs.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    configs.put(ConsumerConfig.CLIENT_ID_CONFIG, clientId);
    return new KafkaConsumer<>(configs, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }
}
