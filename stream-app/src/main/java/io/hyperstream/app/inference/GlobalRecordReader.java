package io.hyperstream.app.inference;

import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.RegistryUnavailableException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.avro.specific.SpecificRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes the catalog's records on the global stream thread. While the registry is down it waits
 * and tries again: skipping a definition for an outage would lose it until the next start.
 */
final class GlobalRecordReader {
  private static final Logger LOG = LoggerFactory.getLogger(GlobalRecordReader.class);
  private static final long FIRST_BACK_OFF_MILLIS = 200;
  private static final long LONGEST_BACK_OFF_MILLIS = 5_000;

  private final RecordCodec codec;
  private final TaskCatalog catalog;
  private volatile boolean closing;

  GlobalRecordReader(RecordCodec codec, TaskCatalog catalog) {
    this.codec = codec;
    this.catalog = catalog;
  }

  /**
   * The record.
   *
   * @throws io.hyperstream.schemas.UndecodableRecordException if it is none
   * @throws NotNowException if the application closes while the registry is down
   */
  <T extends SpecificRecord> T read(String topic, byte[] value, Class<T> type) {
    long backOff = FIRST_BACK_OFF_MILLIS;
    while (true) {
      try {
        T record = codec.deserialize(topic, value, type);
        catalog.stalled(Optional.empty());
        return record;
      } catch (RegistryUnavailableException e) {
        if (closing) {
          throw new NotNowException("closing while the schema registry is down", e);
        }
        catalog.stalled(Optional.of("reading " + topic + " waits: " + e.getMessage()));
        LOG.warn("Reading {} waits for the schema registry: {}", topic, e.getMessage());
        sleep(backOff);
        backOff = Math.min(2 * backOff, LONGEST_BACK_OFF_MILLIS);
      }
    }
  }

  private static void sleep(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new NotNowException("interrupted while the schema registry is down", e);
    }
  }

  /** Makes a waiting read give up. Any thread. */
  void close() {
    closing = true;
  }
}
