package io.hyperstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A topic that somebody else created")
class TopicCheckTest {
  private final Topics topics = new Topics(Topics.Settings.defaults());

  /** What a broker says of a topic that was created as it should be. */
  private static Map<String, String> asCreated(Topic topic) {
    Map<String, String> configs = new HashMap<>();
    configs.put("retention.ms", "604800000");
    configs.put("retention.bytes", "-1");
    configs.put("message.timestamp.type", "CreateTime");
    configs.putAll(topic.configs());
    return configs;
  }

  private static List<TopicCheck> check(Topic topic, Map<String, String> other) {
    Map<String, String> configs = asCreated(topic);
    configs.putAll(other);
    return TopicCheck.of(topic, configs, topic.partitions(), "kafka:9092");
  }

  @Test
  @DisplayName("is fine if it is like one of ours")
  void fine() {
    for (Topic topic : topics.all()) {
      assertThat(check(topic, Map.of())).as(topic.name()).isEmpty();
    }
  }

  @Test
  @DisplayName("is refused if it forgets what is needed for ever, with the command that fixes it")
  void forgets() {
    for (Topic table : List.of(topics.definitions(), topics.adapters(), topics.adapterVersions())) {
      for (String policy : List.of("delete", "compact,delete")) {
        assertThat(check(table, Map.of("cleanup.policy", policy)))
            .singleElement()
            .satisfies(found -> assertThat(found.losesRecords()).isTrue())
            .satisfies(
                found ->
                    assertThat(found.what())
                        .contains(
                            "'" + policy + "'", "retention.ms 604800000", "expected 'compact'"))
            .satisfies(
                found ->
                    assertThat(found.fix())
                        .isEqualTo(
                            "kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type"
                                + " topics --entity-name "
                                + table.name()
                                + " --add-config cleanup.policy=compact"));
      }
    }
  }

  @Test
  @DisplayName("is only warned about if it keeps everything and grows")
  void grows() {
    Map<String, String> everything = Map.of("cleanup.policy", "delete", "retention.ms", "-1");
    assertThat(check(topics.definitions(), everything))
        .extracting(TopicCheck::losesRecords)
        .containsExactly(false);
    assertThat(check(topics.requests(), Map.of("retention.ms", "-1", "cleanup.policy", "")))
        .extracting(TopicCheck::losesRecords)
        .containsExactly(false);
  }

  @Test
  @DisplayName("is refused if requests of one key replace each other")
  void compacts() {
    assertThat(check(topics.requests(), Map.of("cleanup.policy", "compact")))
        .singleElement()
        .satisfies(found -> assertThat(found.losesRecords()).isTrue())
        .satisfies(found -> assertThat(found.fix()).endsWith("cleanup.policy=delete"));
  }

  @Test
  @DisplayName("is warned about if records expire by the time their producers gave them")
  void producersTime() {
    Map<String, String> createTime = Map.of("message.timestamp.type", "CreateTime");
    assertThat(check(topics.requests(), createTime))
        .singleElement()
        .satisfies(found -> assertThat(found.losesRecords()).isFalse())
        .satisfies(
            found -> assertThat(found.fix()).endsWith("message.timestamp.type=LogAppendTime"));
    Map<String, String> forEver = new HashMap<>(createTime);
    forEver.put("retention.ms", "-1");
    assertThat(check(topics.requests(), forEver)).isEmpty();
  }

  @Test
  @DisplayName("is warned about if it takes too little or has other partitions")
  void sizes() {
    assertThat(check(topics.predictions(), Map.of("max.message.bytes", "1048588")))
        .extracting(TopicCheck::what)
        .allMatch(what -> what.contains("is 1048588"))
        .hasSize(1);
    Map<String, String> configs = asCreated(topics.requests());
    assertThat(TopicCheck.of(topics.requests(), configs, 2, "kafka:9092"))
        .singleElement()
        .satisfies(found -> assertThat(found.what()).contains("2 partitions", "expected 4"))
        .satisfies(found -> assertThat(found.fix()).contains("--partitions 4"));
    assertThat(TopicCheck.of(topics.requests(), configs, 12, "kafka:9092"))
        .extracting(TopicCheck::fix)
        .containsExactly("hyperstream.kafka.partitions=12");
    assertThat(
            TopicCheck.of(topics.definitions(), asCreated(topics.definitions()), 3, "kafka:9092"))
        .extracting(TopicCheck::losesRecords)
        .containsExactly(false);
  }
}
