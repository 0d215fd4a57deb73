package io.hyperstream.app.streams;

import io.hyperstream.schemas.Backoff;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.RegistryUnavailableException;
import io.hyperstream.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the records a topology writes: encoded values and dead letters. Thread-safe. */
public final class OutputRecords {
  private static final Logger LOG = LoggerFactory.getLogger(OutputRecords.class);
  private static final int MAX_MESSAGE_CHARS = 2_000;

  /** The message in UTF-8, the other headers we add, the batch's frame. */
  private static final int OUR_HEADERS_BYTES = 16 * 1024;

  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

  private final RecordCodec codec;
  private final int maxDeadValueBytes;
  private final HeaderPolicy headerPolicy;
  private final Duration patience;
  private final Runnable counter;

  /**
   * @param patience how long encoding waits for a registry that is down
   * @param counter run at each attempt that failed
   */
  public OutputRecords(
      RecordCodec codec,
      Topics topics,
      HeaderPolicy headerPolicy,
      Duration patience,
      Runnable counter) {
    this.codec = codec;
    maxDeadValueBytes =
        Math.max(
            topics.settings().requestLimitBytes(),
            topics.deadLetters().maxRecordBytes() - headerPolicy.maxBytes() - OUR_HEADERS_BYTES);
    this.headerPolicy = headerPolicy;
    this.patience = patience;
    this.counter = counter;
  }

  /**
   * The record's bytes. Schemas were looked up at the start, so the registry is not asked again; if
   * it must be and is down, this waits.
   *
   * @throws StreamsException if that takes too long; nothing is committed then
   */
  public byte[] encode(String topic, SpecificRecord record) {
    long deadline = System.nanoTime() + patience.toNanos();
    Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, counter);
    while (true) {
      try {
        return codec.serialize(topic, record);
      } catch (RegistryUnavailableException e) {
        long left = deadline - System.nanoTime();
        if (left <= 0) {
          throw new StreamsException("the schema registry does not answer", e);
        }
        long pause = backoff.failed().toNanos();
        if (backoff.isToBeSaid()) {
          LOG.warn("A record for {} waits for the schema registry: {}", topic, e.getMessage());
        }
        try {
          TimeUnit.NANOSECONDS.sleep(Math.min(pause, left));
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw new StreamsException("interrupted while the schema registry is down", e);
        }
      }
    }
  }

  /** The record as it was read, with what is wrong with it in headers. */
  public Record<byte[], byte[]> deadLetter(
      Record<byte[], byte[]> read, TopicPartition from, long offset, ErrorCode code, String why) {
    Headers headers = headerPolicy.travelling(read.headers());
    add(headers, DeadLetterHeaders.ERROR_CODE, code.name());
    add(
        headers,
        DeadLetterHeaders.ERROR_MESSAGE,
        shortened(why == null ? code.sentence() : Sentences.of(why)));
    add(headers, DeadLetterHeaders.SOURCE_TOPIC, from.topic());
    add(headers, DeadLetterHeaders.SOURCE_PARTITION, Integer.toString(from.partition()));
    add(headers, DeadLetterHeaders.SOURCE_OFFSET, Long.toString(offset));
    if (read.value() != null && read.value().length > maxDeadValueBytes) {
      add(headers, DeadLetterHeaders.VALUE_OMITTED, Integer.toString(read.value().length));
      return read.withValue((byte[]) null).withHeaders(headers);
    }
    return read.withHeaders(headers);
  }

  private static String shortened(String message) {
    return message.length() <= MAX_MESSAGE_CHARS
        ? message
        : message.substring(0, MAX_MESSAGE_CHARS) + "...";
  }

  private static void add(Headers headers, String name, String value) {
    headers.remove(name);
    headers.add(name, value.getBytes(StandardCharsets.UTF_8));
  }
}
