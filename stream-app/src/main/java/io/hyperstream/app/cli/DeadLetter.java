package io.hyperstream.app.cli;

import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.Topics;
import io.hyperstream.schemas.UndecodableRecordException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import picocli.CommandLine;

/** A refused record as it lies in the topic of dead letters. */
record DeadLetter(ConsumerRecord<byte[], byte[]> record) {

  /** Where a letter lies, as people write it: {@code 2@17}. */
  record Id(int partition, long offset) {
    @Override
    public String toString() {
      return partition + "@" + offset;
    }

    static Optional<Id> parse(String text) {
      return text.matches("\\d{1,9}@\\d{1,18}")
          ? Optional.of(
              new Id(
                  Integer.parseInt(text.substring(0, text.indexOf('@'))),
                  Long.parseLong(text.substring(text.indexOf('@') + 1))))
          : Optional.empty();
    }
  }

  static final class IdConverter implements CommandLine.ITypeConverter<Id> {
    @Override
    public Id convert(String value) {
      return Id.parse(value)
          .orElseThrow(
              () ->
                  new CommandLine.TypeConversionException(
                      "expected PARTITION@OFFSET as `dead-letters list` prints it, such as 2@17,"
                          + " got '"
                          + value
                          + "'"));
    }
  }

  /** The record it was. */
  record Source(TopicPartition partition, long offset) {}

  Id id() {
    return new Id(record.partition(), record.offset());
  }

  String code() {
    return header(DeadLetterHeaders.ERROR_CODE);
  }

  String message() {
    return header(DeadLetterHeaders.ERROR_MESSAGE);
  }

  /** Empty if the headers do not say it, as in a record that someone else wrote. */
  Optional<Source> source() {
    String topic = header(DeadLetterHeaders.SOURCE_TOPIC);
    return topic.isEmpty()
        ? Optional.empty()
        : Id.parse(
                header(DeadLetterHeaders.SOURCE_PARTITION)
                    + "@"
                    + header(DeadLetterHeaders.SOURCE_OFFSET))
            .map(at -> new Source(new TopicPartition(topic, at.partition()), at.offset()));
  }

  /** How often this record has been replayed before it came here again. */
  int replays() {
    String count = header(DeadLetterHeaders.REPLAY_COUNT);
    return count.matches("\\d{1,9}") ? Integer.parseInt(count) : 0;
  }

  /** Whether only the record's headers are here, because its value was too large to keep. */
  boolean valueOmitted() {
    return !header(DeadLetterHeaders.VALUE_OMITTED).isEmpty();
  }

  /** The task it was meant for, if it can be read at all. Asks the registry. */
  Optional<String> task(Connection cluster) {
    String topic = header(DeadLetterHeaders.SOURCE_TOPIC);
    Topics topics = cluster.topics();
    try {
      if (topic.equals(topics.requests().name())) {
        return Optional.of(
            cluster.codec().deserialize(topic, record.value(), InferenceRequest.class).getTaskId());
      }
      if (topic.equals(topics.labels().name())) {
        return Optional.of(
            cluster.codec().deserialize(topic, record.value(), LabelEvent.class).getTaskId());
      }
      if (topic.equals(topics.commands().name())) {
        return Optional.of(
            cluster
                .codec()
                .deserialize(topic, record.value(), AdaptationCommand.class)
                .getTaskId());
      }
    } catch (UndecodableRecordException e) {
      return Optional.empty(); // often why it is here
    }
    return Optional.empty();
  }

  String line(Optional<String> task) {
    return String.format(
        Locale.ROOT,
        "%-8s %s  %-18s %-24s %s%s  %s",
        id(),
        Instant.ofEpochMilli(record.timestamp()).truncatedTo(java.time.temporal.ChronoUnit.SECONDS),
        Rendering.oneLine(code()),
        Rendering.oneLine(task.orElse("?")),
        Rendering.oneLine(sourceText()),
        replays() == 0 ? "" : " (replayed " + replays() + "x)",
        Rendering.oneLine(message()));
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("letter", id().toString());
    map.put("timestamp", Instant.ofEpochMilli(record.timestamp()).toString());
    map.put("code", code());
    map.put("message", message());
    map.put("source", sourceText());
    map.put("replays", replays());
    map.put("key", Rendering.key(record));
    map.put("valueBytes", record.value() == null ? 0 : record.value().length);
    return map;
  }

  String sourceText() {
    return source().map(from -> from.partition() + "@" + from.offset()).orElse("?");
  }

  private String header(String name) {
    Header header = record.headers().lastHeader(name);
    return header == null || header.value() == null
        ? ""
        : new String(header.value(), StandardCharsets.UTF_8);
  }
}
