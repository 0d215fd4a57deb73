package io.hyperstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Topics")
class TopicsTest {
  private final Topics topics = new Topics(Topics.Settings.defaults());

  @Test
  @DisplayName("have the names of the contract")
  void names() {
    assertThat(topics.all().stream().map(Topic::name))
        .containsExactly(
            "inference.requests",
            "inference.predictions",
            "inference.dead-letters",
            "task.definitions",
            "task.adapters",
            "task.adapter-versions",
            "adaptation.labels",
            "adaptation.commands",
            "adaptation.reports");
  }

  @Test
  @DisplayName("carry the prefix, and so do their subjects")
  void prefix() {
    Topics prefixed = new Topics(Topics.Settings.defaults().withPrefix("team-a."));

    assertThat(prefixed.requests().name()).isEqualTo("team-a.inference.requests");
    assertThat(Subjects.of(prefixed))
        .hasSize(8)
        .containsKey("team-a.inference.requests-value")
        .doesNotContainKey("team-a.inference.dead-letters-value");
  }

  @Test
  @DisplayName("that hold state are compacted, the others expire")
  void cleanup() {
    for (Topic topic : topics.all()) {
      String expected = topic.name().startsWith("task.") ? "compact" : "delete";
      assertThat(topic.configs()).as(topic.name()).containsEntry("cleanup.policy", expected);
    }
    assertThat(topics.requests().configs()).containsEntry("retention.ms", "604800000");
    assertThat(topics.definitions().configs()).doesNotContainKey("retention.ms");
    assertThat(topics.all())
        .filteredOn(topic -> topic.cleanup() == Topic.Cleanup.DELETE)
        .allSatisfy(
            topic ->
                assertThat(topic.configs())
                    .containsEntry("message.timestamp.type", "LogAppendTime"));
  }

  @Test
  @DisplayName("for dead letters take the largest request and its headers")
  void deadLetterLimit() {
    int limit = Topics.Settings.defaults().requestLimitBytes();

    assertThat(topics.deadLetters().configs())
        .containsEntry("max.message.bytes", Integer.toString(limit + 64 * 1024));
    assertThat(topics.predictions().maxRecordBytes()).isGreaterThan(2 * limit);
  }

  @Test
  @DisplayName("refuse settings that cannot work and say what would")
  void settings() {
    Duration week = Duration.ofDays(7);
    List<Runnable> bad =
        List.of(
            () -> new Topics.Settings("a b", 1, (short) 1, week, week, 1 << 20),
            () -> new Topics.Settings("", 0, (short) 1, week, week, 1 << 20),
            () -> new Topics.Settings("", 1, (short) 0, week, week, 1 << 20),
            () -> new Topics.Settings("", 1, (short) 1, Duration.ZERO, week, 1 << 20),
            () -> new Topics.Settings("", 1, (short) 1, week, Duration.ZERO, 1 << 20),
            () -> new Topics.Settings("", 1, (short) 1, week, week, 10),
            () -> new Topics.Settings("", 1, (short) 1, week, week, Integer.MAX_VALUE));

    for (Runnable settings : bad) {
      assertThatThrownBy(settings::run)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("got");
    }
  }
}
