package io.hyperstream.app.cli;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A cluster and its registry as a command sees them: makes clients with the user's settings on top
 * of safe defaults. Clients belong to the caller.
 */
final class Connection implements AutoCloseable {
  private static final int ANSWER_SECONDS = 15;

  private final String bootstrapServers;
  private final String registryUrl;
  private final Topics topics;
  private final Map<String, String> settings;
  private final SchemaRegistryClient registry;
  private final RecordCodec codec;

  Connection(
      String bootstrapServers, String registryUrl, Topics topics, Map<String, String> settings) {
    this.bootstrapServers = bootstrapServers;
    this.registryUrl = registryUrl;
    this.topics = topics;
    this.settings = Map.copyOf(settings);
    this.registry = SchemaRegistries.connect(registryUrl, settings);
    this.codec = new RecordCodec(registry);
  }

  Topics topics() {
    return topics;
  }

  RecordCodec codec() {
    return codec;
  }

  String bootstrapServers() {
    return bootstrapServers;
  }

  String registryUrl() {
    return registryUrl;
  }

  Admin admin() {
    return Admin.create(common());
  }

  /** Idempotent, every replica acknowledges. */
  Producer<String, byte[]> producer() {
    return new KafkaProducer<>(producing(), new StringSerializer(), new ByteArraySerializer());
  }

  /** Of records as they are, in transactions; whoever opens the same id next ends this one. */
  Producer<byte[], byte[]> transactionalProducer(String transactionalId) {
    Map<String, Object> config = producing();
    config.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, transactionalId);
    return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private Map<String, Object> producing() {
    Map<String, Object> config = common();
    config.put(ProducerConfig.ACKS_CONFIG, "all");
    config.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
    config.put(ProducerConfig.LINGER_MS_CONFIG, 5);
    config.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, ANSWER_SECONDS * 1000);
    config.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, topics.adapters().maxRecordBytes());
    config.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    config.putAll(settings);
    return config;
  }

  /**
   * Sends a few records and waits until every replica has them.
   *
   * @param what each of them is, for the message of a failure
   */
  void deliver(String what, List<ProducerRecord<String, byte[]>> records)
      throws InterruptedException {
    try (Producer<String, byte[]> producer = producer()) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (ProducerRecord<String, byte[]> record : records) {
        sent.add(producer.send(record));
      }
      producer.flush();
      for (Future<RecordMetadata> future : sent) {
        future.get();
      }
    } catch (ExecutionException e) {
      throw CommandFailure.failed(
          "a " + what + " was not delivered: " + Failures.sentence(e.getCause(), true),
          e.getCause());
    }
  }

  /** Sees committed records only; without a group, it assigns itself. */
  Consumer<byte[], byte[]> consumer() {
    return consumer(common());
  }

  /** The same in a group, which takes its partitions from {@code subscribe}. */
  Consumer<byte[], byte[]> consumer(String group) {
    Map<String, Object> config = common();
    config.put(ConsumerConfig.GROUP_ID_CONFIG, group);
    return consumer(config);
  }

  private Consumer<byte[], byte[]> consumer(Map<String, Object> config) {
    config.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    config.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
    config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    config.putAll(settings);
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /**
   * Fails with what to do if a topic is not there: a producer would otherwise have the broker
   * create it, with the wrong settings.
   */
  void require(Topic... needed) throws InterruptedException {
    List<String> names = Arrays.stream(needed).map(Topic::name).toList();
    try (Admin admin = admin()) {
      Set<String> existing = admin.listTopics().names().get(ANSWER_SECONDS, TimeUnit.SECONDS);
      List<String> missing = names.stream().filter(name -> !existing.contains(name)).toList();
      if (!missing.isEmpty()) {
        throw CommandFailure.failed(
            "the cluster at "
                + bootstrapServers
                + " has no topic "
                + String.join(", ", missing)
                + "; start `hyperstream serve` once, which creates it, or check --topic-prefix");
      }
    } catch (TimeoutException e) {
      throw unreachable(e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof org.apache.kafka.common.errors.TimeoutException) {
        throw unreachable(e.getCause());
      }
      throw CommandFailure.failed(Failures.sentence(e.getCause(), true), e.getCause());
    }
  }

  private CommandFailure unreachable(Throwable cause) {
    return CommandFailure.failed(
        String.format(
            Locale.ROOT,
            "no Kafka broker at %s answered within %d seconds; start one with `hyperstream serve"
                + " --embedded`, or name yours with --bootstrap-servers (and --command-config if it"
                + " wants TLS or SASL)",
            bootstrapServers,
            ANSWER_SECONDS),
        cause);
  }

  private Map<String, Object> common() {
    Map<String, Object> config = new HashMap<>();
    config.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
    config.put(CommonClientConfigs.CLIENT_ID_CONFIG, "hyperstream-cli");
    config.put(CommonClientConfigs.REQUEST_TIMEOUT_MS_CONFIG, 10_000);
    config.put(CommonClientConfigs.DEFAULT_API_TIMEOUT_MS_CONFIG, ANSWER_SECONDS * 1000);
    config.putAll(settings);
    return config;
  }

  @Override
  public void close() throws IOException {
    codec.close();
    registry.close();
  }
}
