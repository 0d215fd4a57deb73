package io.hyperstream.app.streams;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.streams.processor.internals.DefaultKafkaClientSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kafka Streams' own clients (the class is internal, but the streams group protocol warns about any
 * other), except that they say when the place in a topic is lost, and that a stream thread's
 * transactional id is the same after a restart: {@code applicationId-instance-threadNumber}, with
 * the {@link InstanceSlot}'s name for the instance. So what a crashed process left open can be
 * aborted by its successor.
 */
final class FencingClients extends DefaultKafkaClientSupplier {
  private static final Logger LOG = LoggerFactory.getLogger(FencingClients.class);
  private static final long PATIENCE_SECONDS = 15;

  private final String applicationId;
  private final String instance;
  private final OffsetWatch offsets;
  private volatile Optional<Admin> admin = Optional.empty();

  FencingClients(String applicationId, String instance, OffsetWatch offsets) {
    this.applicationId = applicationId;
    this.instance = instance;
    this.offsets = offsets;
  }

  /** Kafka Streams' own, as long as it runs; empty before. */
  Optional<Admin> admin() {
    return admin;
  }

  @Override
  public Admin getAdmin(Map<String, Object> config) {
    Admin made = super.getAdmin(config);
    admin = Optional.of(made);
    return made;
  }

  /** Of the classic protocol; see {@link WatchedConsumer} for the other. */
  @Override
  public Consumer<byte[], byte[]> getConsumer(Map<String, Object> config) {
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer()) {
      @Override
      public ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
        return offsets.watched(this, () -> super.poll(timeout));
      }
    };
  }

  @Override
  public Producer<byte[], byte[]> getProducer(Map<String, Object> config) {
    Map<String, Object> fencing = new HashMap<>(config);
    fencing.computeIfPresent(
        ProducerConfig.TRANSACTIONAL_ID_CONFIG, (key, id) -> stable(id.toString()));
    return super.getProducer(fencing);
  }

  /** Kafka Streams' own ends in the number of the thread. */
  String stable(String transactionalId) {
    return ofThread(transactionalId.substring(transactionalId.lastIndexOf('-') + 1));
  }

  private String ofThread(String number) {
    return applicationId + "-" + instance + "-" + number;
  }

  /**
   * Aborts the transactions a crashed predecessor left open. Without this, readers of committed
   * records wait for the transaction timeout, and so do the threads: offsets of an open transaction
   * keep a partition from starting. If it does not work, that is what happens.
   *
   * @param threads of this process, and of its predecessor; one that replaces a thread that failed
   *     has a number of its own, so as many numbers again are looked at
   */
  void abortLeftOpen(Admin admin, int threads) throws InterruptedException {
    List<String> ids =
        IntStream.rangeClosed(1, 2 * threads)
            .mapToObj(Integer::toString)
            .map(this::ofThread)
            .toList();
    try {
      admin.fenceProducers(ids).all().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn(
          "Transactions left open by a crash end at their timeout only, because the broker did not"
              + " abort them now: {}",
          e.toString());
    }
  }
}
