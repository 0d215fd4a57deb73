package io.hyperstream.app.inference;

import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.RecordCodec;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/** Reads single records of the adapters' topic, by a consumer for each. Thread-safe. */
final class AdapterRecords implements AdapterAdoption.Records {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final RecordCodec codec;
  private final Supplier<Consumer<byte[], byte[]>> consumers;

  /**
   * @param consumers makes a read-committed consumer without a group
   */
  AdapterRecords(RecordCodec codec, Supplier<Consumer<byte[], byte[]>> consumers) {
    this.codec = codec;
    this.consumers = consumers;
  }

  @Override
  public AdapterVersion read(AdapterAdoption.Place place) throws IOException {
    TopicPartition partition = place.partition();
    long until = System.nanoTime() + PATIENCE.toNanos();
    try (Consumer<byte[], byte[]> consumer = consumers.get()) {
      consumer.assign(List.of(partition));
      consumer.seek(partition, place.offset());
      while (consumer.position(partition) == place.offset() && System.nanoTime() < until) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          if (record.offset() == place.offset() && record.value() != null) {
            return codec.deserialize(partition.topic(), record.value(), AdapterVersion.class);
          }
        }
      }
    }
    throw new IOException(
        "its record at offset " + place.offset() + " of " + partition + " is not there now");
  }
}
