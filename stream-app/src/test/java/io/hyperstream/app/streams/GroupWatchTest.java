package io.hyperstream.app.streams;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.config.StreamsSettings.GroupProtocol;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The watch over who reads what")
class GroupWatchTest {
  private static final TopicPartition ONE = new TopicPartition("requests", 0);
  private static final TopicPartition TWO = new TopicPartition("requests", 1);
  private static final Set<TopicPartition> ALL = Set.of(ONE, TWO);
  private static final Map<String, Set<TopicPartition>> NOTHING = Map.of();

  private final List<String> replaced = new ArrayList<>();
  private final GroupWatch watch =
      new GroupWatch(
          "group",
          List.of("requests"),
          GroupProtocol.CLASSIC,
          Duration.ofSeconds(20),
          Map::of,
          this::recreated);
  private final long start = Long.MAX_VALUE - 5; // the clock's zero is anywhere

  private void recreated(String topic) {
    replaced.add(topic);
  }

  private long at(int seconds) {
    return start + TimeUnit.SECONDS.toNanos(seconds);
  }

  @Test
  @DisplayName("names a partition that no member of a stable group has for too long")
  void nobodys() {
    Map<String, Set<TopicPartition>> assigned = Map.of("here", Set.of(ONE), "there", Set.of());
    Map<String, Set<TopicPartition>> mine = Map.of("here", Set.of(ONE));
    watch.seen(assigned, ALL, mine, at(0));
    assertThat(watch.problem(at(19))).isEmpty();
    watch.seen(assigned, ALL, mine, at(20));
    assertThat(watch.problem(at(21)).orElseThrow())
        .contains("nobody has read requests-1 for more than 20 s")
        .doesNotContain("requests-0");
    watch.seen(Map.of("here", Set.of(ONE), "there", Set.of(TWO)), ALL, mine, at(22));
    assertThat(watch.problem(at(60))).isEmpty();
  }

  @Test
  @DisplayName("names a partition that the coordinator believes to be here and that is not")
  void believed() {
    Map<String, Set<TopicPartition>> assigned = Map.of("here", ALL);
    watch.seen(assigned, ALL, Map.of("here", Set.of(TWO)), at(0));
    watch.seen(assigned, ALL, Map.of("here", Set.of(TWO)), at(21));
    assertThat(watch.problem(at(21)).orElseThrow()).contains("requests-0");
    watch.seen(assigned, ALL, Map.of("here", ALL), at(22));
    assertThat(watch.problem(at(60))).isEmpty();
  }

  @Test
  @DisplayName("tells a topic that was replaced by another of its name")
  void replaced() {
    Uuid first = Uuid.randomUuid();
    for (Uuid id : List.of(first, first, Uuid.randomUuid())) {
      assertThat(replaced).isEmpty();
      watch.identify(List.of(new TopicDescription("requests", false, List.of(), Set.of(), id)));
    }
    assertThat(replaced).containsExactly("requests");
  }

  @Test
  @DisplayName("starts to count anew when the group shares out its partitions")
  void unstable() {
    Map<String, Set<TopicPartition>> assigned = Map.of("there", Set.of(ONE));
    watch.seen(assigned, ALL, NOTHING, at(0));
    watch.seen(NOTHING, ALL, NOTHING, at(15));
    watch.seen(assigned, ALL, NOTHING, at(16));
    assertThat(watch.problem(at(30))).isEmpty();
    assertThat(watch.problem(at(37))).isPresent();
  }
}
