package io.hyperstream.app.http.topics;

import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.RegistryUnavailableException;
import io.hyperstream.schemas.Topic;
import io.micronaut.http.HttpStatus;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends records and returns when every replica that counts has them. Idempotent. Any thread; it
 * waits, so not one of the server's event loops.
 */
@Singleton
public final class TopicWriter {
  private static final Logger LOG = LoggerFactory.getLogger(TopicWriter.class);
  private static final int PATIENCE_MILLIS = 10_000;

  private final TopicAccess access;
  private Producer<String, byte[]> producer; // guarded by this; made when it is needed first
  private boolean closed; // guarded by this

  TopicWriter(TopicAccess access) {
    this.access = access;
  }

  /**
   * Sends records under one key, in their order.
   *
   * @param trace the caller's {@code traceparent}, which travels with them
   * @return where they are
   * @throws ProblemException if one is too large or the cluster does not take them
   */
  public List<RecordMetadata> send(
      Topic topic, String key, List<? extends SpecificRecord> records, Optional<String> trace) {
    List<byte[]> values = new ArrayList<>();
    try {
      for (SpecificRecord record : records) {
        byte[] value = access.codec().serialize(topic.name(), record);
        if (value.length > topic.maxRecordBytes()) {
          throw new ProblemException(
              HttpStatus.REQUEST_ENTITY_TOO_LARGE,
              "the record would have "
                  + value.length
                  + " bytes; its topic takes "
                  + topic.maxRecordBytes());
        }
        values.add(value);
      }
    } catch (RegistryUnavailableException e) {
      LOG.warn("A record for {} could not be encoded: {}", topic.name(), e.getMessage());
      throw ProblemException.notNow(
          "the schema registry does not answer; nothing was sent, try again");
    }
    return deliver(topic, key, values, trace);
  }

  /** Sends a tombstone. */
  public RecordMetadata erase(Topic topic, String key, Optional<String> trace) {
    List<byte[]> tombstone = new ArrayList<>();
    tombstone.add(null);
    return deliver(topic, key, tombstone, trace).get(0);
  }

  private List<RecordMetadata> deliver(
      Topic topic, String key, List<byte[]> values, Optional<String> trace) {
    int acknowledged = 0;
    try {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (byte[] value : values) {
        ProducerRecord<String, byte[]> record = new ProducerRecord<>(topic.name(), key, value);
        trace.ifPresent(
            parent ->
                record
                    .headers()
                    .add(DeadLetterHeaders.TRACEPARENT, parent.getBytes(StandardCharsets.UTF_8)));
        sent.add(producer().send(record));
      }
      List<RecordMetadata> places = new ArrayList<>();
      for (Future<RecordMetadata> one : sent) {
        places.add(one.get(2L * PATIENCE_MILLIS, TimeUnit.MILLISECONDS));
        acknowledged++;
      }
      return places;
    } catch (ExecutionException | TimeoutException | KafkaException e) {
      LOG.warn("Records for {} were not acknowledged", topic.name(), e);
      throw ProblemException.notNow(
          "Kafka acknowledged "
              + acknowledged
              + " of "
              + values.size()
              + " records; what was not may have arrived all the same. Send them again");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw ProblemException.notNow("the process is closing");
    }
  }

  private synchronized Producer<String, byte[]> producer() {
    if (closed) {
      throw ProblemException.notNow("the process is closing");
    }
    if (producer == null) {
      Map<String, Object> config = access.cluster().client();
      config.put(
          ProducerConfig.CLIENT_ID_CONFIG, access.cluster().kafka().applicationId() + "-http");
      config.put(ProducerConfig.ACKS_CONFIG, "all");
      config.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
      config.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, PATIENCE_MILLIS);
      config.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, PATIENCE_MILLIS / 2);
      config.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, PATIENCE_MILLIS);
      config.put(
          ProducerConfig.MAX_REQUEST_SIZE_CONFIG, access.topics().adapters().maxRecordBytes());
      producer = new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer());
    }
    return producer;
  }

  @PreDestroy
  synchronized void close() {
    closed = true;
    if (producer != null) {
      producer.close(Duration.ofSeconds(1));
    }
  }
}
