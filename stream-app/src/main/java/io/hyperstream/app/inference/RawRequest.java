package io.hyperstream.app.inference;

import org.apache.kafka.common.TopicPartition;

/**
 * A record of the request topic as it was read.
 *
 * @param timestamp the record's, in milliseconds since the epoch
 * @param value null for a record without a value; not to be changed
 */
record RawRequest(TopicPartition partition, long offset, long timestamp, byte[] value) {

  /** Bytes of the value; what a window counts. */
  int size() {
    return value == null ? 0 : value.length;
  }
}
