package io.hyperstream.app.inference;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * A record of the request topic as it was read.
 *
 * @param timestamp the record's, in milliseconds since the epoch
 * @param value null for a record without a value; not to be changed
 * @param headers not to be changed
 */
record RawRequest(
    TopicPartition partition, long offset, long timestamp, byte[] value, Headers headers) {
  private static final Headers NONE = none();

  /** One without headers. */
  RawRequest(TopicPartition partition, long offset, long timestamp, byte[] value) {
    this(partition, offset, timestamp, value, NONE);
  }

  private static Headers none() {
    RecordHeaders none = new RecordHeaders();
    none.setReadOnly();
    return none;
  }

  /** Bytes of the value; what a window counts. */
  int size() {
    return value == null ? 0 : value.length;
  }
}
