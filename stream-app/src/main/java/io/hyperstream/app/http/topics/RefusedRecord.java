package io.hyperstream.app.http.topics;

import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.Topics;
import io.hyperstream.schemas.UndecodableRecordException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * A dead letter, without its bytes.
 *
 * @param sourcePartition and the others of the source are -1 and empty where the headers do not say
 * @param taskId if the bytes can be read
 * @param text the beginning of it, if the bytes can be read and have one
 */
public record RefusedRecord(
    String code,
    String message,
    String topic,
    int partition,
    long offset,
    Instant timestamp,
    String sourceTopic,
    int sourcePartition,
    long sourceOffset,
    Optional<String> taskId,
    Optional<String> text) {
  static final int SHOWN_CHARS = 200;

  /** The task and the text of what was refused. */
  private record Content(Optional<String> taskId, Optional<String> text) {
    static final Content UNKNOWN = new Content(Optional.empty(), Optional.empty());
  }

  static RefusedRecord of(ConsumerRecord<byte[], byte[]> letter, Topics topics, RecordCodec codec) {
    String source = header(letter, DeadLetterHeaders.SOURCE_TOPIC);
    Content content = contentOf(source, letter.value(), topics, codec);
    return new RefusedRecord(
        header(letter, DeadLetterHeaders.ERROR_CODE),
        header(letter, DeadLetterHeaders.ERROR_MESSAGE),
        letter.topic(),
        letter.partition(),
        letter.offset(),
        Instant.ofEpochMilli(letter.timestamp()),
        source,
        (int) number(header(letter, DeadLetterHeaders.SOURCE_PARTITION)),
        number(header(letter, DeadLetterHeaders.SOURCE_OFFSET)),
        content.taskId(),
        content.text());
  }

  private static Content contentOf(String source, byte[] value, Topics topics, RecordCodec codec) {
    try {
      if (value == null) {
        return Content.UNKNOWN;
      } else if (source.equals(topics.requests().name())) {
        InferenceRequest request = codec.deserialize(source, value, InferenceRequest.class);
        return new Content(
            Optional.of(request.getTaskId()), Optional.of(beginning(request.getText())));
      } else if (source.equals(topics.labels().name())) {
        LabelEvent label = codec.deserialize(source, value, LabelEvent.class);
        return new Content(
            Optional.of(label.getTaskId()),
            Optional.ofNullable(label.getText()).map(RefusedRecord::beginning));
      } else if (source.equals(topics.commands().name())) {
        AdaptationCommand command = codec.deserialize(source, value, AdaptationCommand.class);
        return new Content(Optional.of(command.getTaskId()), Optional.empty());
      }
      return Content.UNKNOWN;
    } catch (UndecodableRecordException e) {
      return Content.UNKNOWN; // often why it is here
    }
  }

  /** The first characters of a text, never half of one. */
  public static String beginning(String text) {
    if (text.length() <= SHOWN_CHARS) {
      return text;
    }
    int end =
        Character.isHighSurrogate(text.charAt(SHOWN_CHARS - 1)) ? SHOWN_CHARS - 1 : SHOWN_CHARS;
    return text.substring(0, end);
  }

  private static long number(String header) {
    return header.matches("\\d{1,18}") ? Long.parseLong(header) : -1;
  }

  private static String header(ConsumerRecord<byte[], byte[]> letter, String name) {
    Header header = letter.headers().lastHeader(name);
    return header == null || header.value() == null
        ? ""
        : new String(header.value(), StandardCharsets.UTF_8);
  }
}
