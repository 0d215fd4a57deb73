package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.schemas.DeadLetterHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class DeadLetterTest {

  @Test
  @DisplayName("its headers say where it came from and how often it was replayed")
  void headers() {
    DeadLetter letter =
        letter(
            Map.of(
                DeadLetterHeaders.SOURCE_TOPIC, "inference.requests",
                DeadLetterHeaders.SOURCE_PARTITION, "3",
                DeadLetterHeaders.SOURCE_OFFSET, "99",
                DeadLetterHeaders.REPLAY_COUNT, "2"));

    assertThat(letter.id()).hasToString("2@17");
    assertThat(letter.source())
        .contains(new DeadLetter.Source(new TopicPartition("inference.requests", 3), 99));
    assertThat(letter.replays()).isEqualTo(2);
    assertThat(letter.line(Optional.empty())).startsWith("2@17 ").contains("?", "(replayed 2x)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1", "many", "99999999999999999999"})
  @DisplayName("headers that someone else wrote are no failure: no source, no replay")
  void strangeHeaders(String number) {
    DeadLetter letter =
        letter(
            Map.of(
                DeadLetterHeaders.SOURCE_TOPIC,
                "inference.requests",
                DeadLetterHeaders.SOURCE_PARTITION,
                number,
                DeadLetterHeaders.SOURCE_OFFSET,
                "1",
                DeadLetterHeaders.REPLAY_COUNT,
                number));

    assertThat(letter.source()).isEmpty();
    assertThat(letter.replays()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"90m, 5400", "12h, 43200", "7d, 604800"})
  @DisplayName("--since takes a time ago")
  void timeAgo(String text, long seconds) {
    Instant since = new DeadLetterSelection.SinceConverter().convert(text);

    assertThat(since)
        .isBetween(
            Instant.now().minusSeconds(seconds).minus(Duration.ofMinutes(1)),
            Instant.now().minusSeconds(seconds));
  }

  @Test
  @DisplayName("--since takes a moment, and nothing else")
  void moment() {
    DeadLetterSelection.SinceConverter since = new DeadLetterSelection.SinceConverter();

    assertThat(since.convert("2026-01-31T08:00:00Z"))
        .isEqualTo(Instant.parse("2026-01-31T08:00:00Z"));
    for (String wrong : new String[] {"", "7", "d", "2026-01-31", "-3h"}) {
      assertThatThrownBy(() -> since.convert(wrong))
          .isInstanceOf(CommandLine.TypeConversionException.class)
          .hasMessageContaining("12h or 7d, or a moment");
    }
  }

  private static DeadLetter letter(Map<String, String> headers) {
    ConsumerRecord<byte[], byte[]> record =
        new ConsumerRecord<>("inference.dead-letters", 2, 17, null, new byte[0]);
    headers.forEach(
        (name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
    return new DeadLetter(record);
  }
}
