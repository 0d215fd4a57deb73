package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A model of two rows per second")
@ExtendWith(SharedCluster.class)
class SlowModelIT {
  @TempDir Path folder;

  @Test
  @DisplayName("commits while a backlog waits, and aborts no transaction, at its end neither")
  void backlog() throws Exception {
    try (AppFixture app = new AppFixture("slow", folder)) {
      app.define(AppFixture.task("mood", "good", "bad"));
      for (int i = 0; i < 500; i++) {
        app.request("k" + i, AppFixture.request("r" + i, "mood", "text " + i));
      }
      app.flush();
      app.start(Optional.of(new TestPredictor().rowTakes(Duration.ofMillis(500))));
      app.awaitAnswers(16, AppFixture.PATIENCE);

      assertThat(app.count("hyperstream.thread.failures")).isZero();
      assertThat(app.count("hyperstream.prefetch.misses")).isZero();
      app.stop();

      Map<TopicPartition, Long> ends = ends(app);
      List<String> written = read(app, "read_uncommitted", ends);
      assertThat(read(app, "read_committed", ends)).isEqualTo(written);
      assertThat(written).doesNotHaveDuplicates().hasSizeBetween(16, 499);
      app.readOutputs();
      assertThat(app.deadLetterRecords()).isEmpty();
    }
  }

  private static Map<String, Object> configs(AppFixture app, String isolation) {
    return Map.of(
        "bootstrap.servers",
        app.cluster().bootstrapServers(),
        "isolation.level",
        isolation,
        "enable.auto.commit",
        false,
        "auto.offset.reset",
        "earliest");
  }

  private static Map<TopicPartition, Long> ends(AppFixture app) {
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(app, "read_uncommitted")) {
      return new HashMap<>(
          consumer.endOffsets(
              consumer.partitionsFor(app.topics.predictions().name()).stream()
                  .map(info -> new TopicPartition(info.topic(), info.partition()))
                  .collect(Collectors.toList())));
    }
  }

  private static KafkaConsumer<byte[], byte[]> consumer(AppFixture app, String isolation) {
    return new KafkaConsumer<>(
        configs(app, isolation), new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /**
   * Every prediction's request id, sorted. Records of an aborted transaction differ by isolation.
   */
  private static List<String> read(
      AppFixture app, String isolation, Map<TopicPartition, Long> ends) {
    List<String> ids = new java.util.ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(app, isolation)) {
      consumer.assign(ends.keySet());
      while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          ids.add(app.decode(record).getRequestId());
          assertThat(new String(record.key(), StandardCharsets.UTF_8)).startsWith("k");
        }
      }
    }
    return ids.stream().sorted().toList();
  }
}
