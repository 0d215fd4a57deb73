package io.hyperstream.app.streams;

import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.RegistryUnavailableException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.avro.specific.SpecificRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes records on the global stream thread. While the registry is down it waits and tries again:
 * skipping a definition for an outage would lose it until the next start.
 */
public final class GlobalRecordReader {
  private static final Logger LOG = LoggerFactory.getLogger(GlobalRecordReader.class);
  private static final long FIRST_BACK_OFF_MILLIS = 200;
  private static final long LONGEST_BACK_OFF_MILLIS = 5_000;

  private final RecordCodec codec;
  private final Consumer<Optional<String>> stalled;
  private volatile boolean closing;

  /**
   * @param stalled told why reading waits now; empty when it goes on
   */
  public GlobalRecordReader(RecordCodec codec, Consumer<Optional<String>> stalled) {
    this.codec = codec;
    this.stalled = stalled;
  }

  /**
   * The record.
   *
   * @throws io.hyperstream.schemas.UndecodableRecordException if it is none
   * @throws NotNowException if the application closes while the registry is down
   */
  public <T extends SpecificRecord> T read(String topic, byte[] value, Class<T> type) {
    long backOff = FIRST_BACK_OFF_MILLIS;
    while (true) {
      try {
        T record = codec.deserialize(topic, value, type);
        stalled.accept(Optional.empty());
        return record;
      } catch (RegistryUnavailableException e) {
        if (closing) {
          throw new NotNowException("closing while the schema registry is down", e);
        }
        stalled.accept(Optional.of("reading " + topic + " waits: " + e.getMessage()));
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
  public void close() {
    closing = true;
  }
}
