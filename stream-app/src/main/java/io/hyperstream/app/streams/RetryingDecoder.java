package io.hyperstream.app.streams;

import io.hyperstream.schemas.Backoff;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.RegistryUnavailableException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.avro.specific.SpecificRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes records on stream threads. While the registry is down it waits and tries again: skipping
 * a definition for an outage would lose it until the next start.
 */
public final class RetryingDecoder {
  private static final Logger LOG = LoggerFactory.getLogger(RetryingDecoder.class);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  private final RecordCodec codec;
  private final Consumer<Optional<String>> stalled;
  private final Runnable counter;
  private final Map<Thread, String> waiting = new LinkedHashMap<>(); // guarded by this; why
  private volatile boolean closing;

  /**
   * @param stalled told why reading waits now, on whichever thread; empty when it goes on on all
   * @param counter run at each attempt that failed
   */
  public RetryingDecoder(RecordCodec codec, Consumer<Optional<String>> stalled, Runnable counter) {
    this.codec = codec;
    this.stalled = stalled;
    this.counter = counter;
  }

  /**
   * The record.
   *
   * @throws io.hyperstream.schemas.UndecodableRecordException if it is none
   * @throws NotNowException if the application closes while the registry is down
   */
  public <T extends SpecificRecord> T read(String topic, byte[] value, Class<T> type) {
    try {
      return codec.deserialize(topic, value, type);
    } catch (RegistryUnavailableException e) {
      try {
        return waitAndRead(topic, value, type, e);
      } finally {
        waits(Optional.empty());
      }
    }
  }

  private <T extends SpecificRecord> T waitAndRead(
      String topic, byte[] value, Class<T> type, RegistryUnavailableException first) {
    Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, counter);
    RegistryUnavailableException failure = first;
    while (true) {
      if (closing) {
        throw new NotNowException("closing while the schema registry is down", failure);
      }
      waits(Optional.of("reading " + topic + " waits: " + failure.getMessage()));
      Duration pause = backoff.failed();
      if (backoff.isToBeSaid()) {
        LOG.warn("Reading {} waits for the schema registry: {}", topic, failure.getMessage());
      }
      sleep(pause);
      try {
        return codec.deserialize(topic, value, type);
      } catch (RegistryUnavailableException e) {
        failure = e;
      }
    }
  }

  /** That one thread goes on says nothing about the others. */
  private synchronized void waits(Optional<String> why) {
    why.ifPresentOrElse(
        reason -> waiting.put(Thread.currentThread(), reason),
        () -> waiting.remove(Thread.currentThread()));
    stalled.accept(waiting.values().stream().findFirst());
  }

  private static void sleep(Duration pause) {
    try {
      TimeUnit.NANOSECONDS.sleep(pause.toNanos());
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
