package io.hyperstream.app.streams;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.config.KafkaSettings;
import io.hyperstream.app.config.StreamsSettings;
import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import io.hyperstream.app.config.StreamsSettings.Guarantee;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The properties of Kafka Streams")
class StreamsPropertiesTest {
  private static final String MAIN = "main.consumer.interceptor.classes";
  private static final Duration SECOND = Duration.ofSeconds(1);

  private static Properties properties(Map<String, String> kafka, Map<String, String> streams) {
    return new StreamsProperties(
            "app",
            GroupProtocol.CLASSIC,
            1,
            SECOND,
            10,
            1_000,
            Map.of(MAIN, "Ours", "main.consumer.hyperstream.prefetcher", "object"))
        .with(
            new KafkaSettings("b:9092", "app", "", true, 1, 1, SECOND, SECOND, SECOND, kafka),
            new StreamsSettings(
                1,
                Guarantee.EXACTLY_ONCE_V2,
                GroupProtocol.CLASSIC,
                Duration.ofSeconds(60),
                SECOND,
                SECOND,
                0,
                SECOND,
                SECOND,
                "state",
                streams),
            Path.of("state"));
  }

  private static Object interceptors(Map<String, String> kafka, Map<String, String> streams) {
    return properties(kafka, streams).get(MAIN);
  }

  @Test
  @DisplayName("have a user's interceptors beside ours, whatever they are set under")
  void interceptors() {
    assertThat(interceptors(Map.of(), Map.of())).isEqualTo("Ours");
    assertThat(interceptors(Map.of(), Map.of(MAIN, "A,B"))).isEqualTo("A,B,Ours");
    assertThat(interceptors(Map.of(), Map.of("consumer.interceptor.classes", "A")))
        .isEqualTo("A,Ours");
    assertThat(interceptors(Map.of("interceptor.classes", "A"), Map.of())).isEqualTo("A,Ours");
    assertThat(interceptors(Map.of("interceptor.classes", "A"), Map.of(MAIN, "B")))
        .isEqualTo("B,Ours");
    assertThat(interceptors(Map.of(), Map.of(MAIN, "Ours,A"))).isEqualTo("Ours,A");
    assertThat(interceptors(Map.of(), Map.of(MAIN, ""))).isEqualTo("Ours");
  }

  @Test
  @DisplayName("are the user's where they are no list")
  void single() {
    Properties properties = properties(Map.of(), Map.of("main.consumer.max.poll.records", "7"));
    assertThat(properties.get("main.consumer.max.poll.records")).isEqualTo("7");
    assertThat(properties.get("main.consumer.hyperstream.prefetcher")).isEqualTo("object");
  }
}
