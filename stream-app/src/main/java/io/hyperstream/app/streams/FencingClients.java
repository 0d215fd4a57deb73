package io.hyperstream.app.streams;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.processor.internals.DefaultKafkaClientSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kafka Streams' own clients (the class is internal, but the streams group protocol warns about any
 * other), except that a stream thread's transactional id is the same after a restart: {@code
 * applicationId-instance-threadNumber}, with the {@link InstanceSlot}'s name for the instance. So
 * what a crashed process left open can be aborted by its successor.
 */
final class FencingClients extends DefaultKafkaClientSupplier {
  private static final Logger LOG = LoggerFactory.getLogger(FencingClients.class);
  private static final long PATIENCE_SECONDS = 15;

  private final String applicationId;
  private final String instance;

  FencingClients(String applicationId, String instance) {
    this.applicationId = applicationId;
    this.instance = instance;
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
