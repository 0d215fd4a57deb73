package io.hyperstream.app.adaptation;

import io.hyperstream.app.adaptation.state.SourceHeader;
import io.hyperstream.app.adaptation.state.SourceKind;
import io.hyperstream.app.adaptation.state.SourcedRecord;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.streams.OutputRecords;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/**
 * Records with their origin, so that any processor of the topology can make a dead letter of them.
 * Thread-safe.
 */
final class SourcedRecords {
  private final StateCodec<SourcedRecord> codec = StateCodec.of(SourcedRecord.class);
  private final OutputRecords output;
  private final HeaderPolicy headerPolicy;
  private final AdaptationMetrics metrics;
  private final String deadLetters;

  /**
   * @param deadLetters where its processor sends dead letters on
   */
  SourcedRecords(
      OutputRecords output,
      HeaderPolicy headerPolicy,
      AdaptationMetrics metrics,
      String deadLetters) {
    this.output = output;
    this.headerPolicy = headerPolicy;
    this.metrics = metrics;
    this.deadLetters = deadLetters;
  }

  SourcedRecord read(SourceKind kind, RecordMetadata at, Record<byte[], byte[]> record) {
    List<SourceHeader> headers = new ArrayList<>();
    for (Header header : headerPolicy.travelling(record.headers())) {
      headers.add(new SourceHeader(header.key(), buffer(header.value())));
    }
    return SourcedRecord.newBuilder()
        .setKind(kind)
        .setTopic(at.topic())
        .setPartition(at.partition())
        .setOffset(at.offset())
        .setTimestamp(record.timestamp())
        .setKey(buffer(record.key()))
        .setValue(buffer(record.value()))
        .setHeaders(headers)
        .setTaskId("")
        .build();
  }

  byte[] encode(SourcedRecord record) {
    return codec.encode(record);
  }

  SourcedRecord decode(byte[] value) {
    return codec.decode(value);
  }

  /** Sends the record, as it was read, to the dead letters. */
  void reject(
      ProcessorContext<byte[], byte[]> context, SourcedRecord record, ErrorCode code, String why) {
    Record<byte[], byte[]> read =
        new Record<>(
            bytes(record.getKey()),
            bytes(record.getValue()),
            context.currentSystemTimeMs(),
            headers(record));
    TopicPartition from = new TopicPartition(record.getTopic(), record.getPartition());
    context.forward(output.deadLetter(read, from, record.getOffset(), code, why), deadLetters);
    metrics.deadLetters(code).increment();
  }

  /** Those it came with, as far as they travel. */
  static Headers headers(SourcedRecord record) {
    Headers headers = new RecordHeaders();
    for (SourceHeader header : record.getHeaders()) {
      headers.add(header.getName(), bytes(header.getValue()));
    }
    return headers;
  }

  static ByteBuffer buffer(byte[] bytes) {
    return bytes == null ? null : ByteBuffer.wrap(bytes);
  }

  static byte[] bytes(ByteBuffer buffer) {
    if (buffer == null) {
      return null;
    }
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }
}
