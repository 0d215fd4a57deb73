package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationFixture.task;
import static io.hyperstream.app.adaptation.AdaptationFixture.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.adaptation.DefinitionCheck.Answer;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Whether a definition is on its way")
class DefinitionsAheadTest {
  private final Topics topics = new Topics(Topics.Settings.defaults());
  private final String topic = topics.definitions().name();
  private final TopicPartition partition = new TopicPartition(topic, 0);
  private final AtomicInteger consumers = new AtomicInteger();
  private MockConsumer<byte[], byte[]> consumer = consumer();
  private RecordCodec codec;
  private DefinitionsAhead ahead;
  private long end;

  private MockConsumer<byte[], byte[]> consumer() {
    MockConsumer<byte[], byte[]> made = new MockConsumer<>("earliest");
    made.updatePartitions(topic, List.of(new PartitionInfo(topic, 0, null, null, null)));
    made.updateBeginningOffsets(Map.of(partition, 0L));
    made.updateEndOffsets(Map.of(partition, 0L));
    return made;
  }

  @BeforeEach
  void start() throws Exception {
    var registry = SchemaRegistries.connect("mock://" + UUID.randomUUID(), Map.of());
    new SchemaRegistrar(registry, topics).register(Duration.ofSeconds(5));
    codec = new RecordCodec(registry);
    ahead =
        new DefinitionsAhead(
            topic,
            codec,
            () -> {
              consumers.incrementAndGet();
              return consumer;
            },
            () -> {});
  }

  @AfterEach
  void close() {
    ahead.close();
    assertThat(consumer.closed()).isTrue();
  }

  /** In the topic, seen with the next poll. */
  private void write(String key, TaskDefinition.Builder task) {
    byte[] value = task == null ? null : codec.serialize(topic, task.build());
    ConsumerRecord<byte[], byte[]> record = new ConsumerRecord<>(topic, 0, end++, utf8(key), value);
    MockConsumer<byte[], byte[]> reading = consumer;
    reading.updateEndOffsets(Map.of(partition, end));
    reading.schedulePollTask(() -> reading.addRecord(record));
  }

  private Answer look(String taskId, String label) {
    return await()
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .until(() -> ahead.look(taskId, label), answer -> answer != Answer.NOT_YET);
  }

  /** Until what was read is too old to count. */
  private void forget() {
    await()
        .pollInterval(Duration.ofMillis(50))
        .until(() -> ahead.look("any", null) == Answer.NOT_YET);
  }

  @Test
  @DisplayName("is told from the topic's end, never at once")
  void toTheEnd() {
    write("mood", task("mood", "good", "bad"));
    assertThat(ahead.look("mood", null)).isEqualTo(Answer.NOT_YET);
    assertThat(look("mood", null)).isEqualTo(Answer.COMING);
    assertThat(look("mood", "bad")).isEqualTo(Answer.COMING);
    assertThat(look("mood", "odd")).isEqualTo(Answer.NONE);
    assertThat(look("other", null)).isEqualTo(Answer.NONE);
  }

  @Test
  @DisplayName("is told anew after a second, reading only what is new")
  void grows() {
    write("mood", task("mood", "good", "bad"));
    assertThat(look("later", null)).isEqualTo(Answer.NONE);
    write("later", task("later", "x", "y"));
    write("mood", null);
    forget();
    assertThat(look("later", "y")).isEqualTo(Answer.COMING);
    assertThat(look("mood", null)).isEqualTo(Answer.NONE);
    assertThat(consumers).hasValue(1);
  }

  @Test
  @DisplayName("does not depend on definitions that nobody can serve")
  void invalid() {
    write("mood", task("mood", "good", "bad"));
    write("mood", task("mood", "good"));
    write("key", task("other", "x", "y"));
    assertThat(look("mood", "bad")).isEqualTo(Answer.COMING);
    assertThat(look("key", null)).isEqualTo(Answer.NONE);
    assertThat(look("other", null)).isEqualTo(Answer.NONE);
  }

  @Test
  @DisplayName("is not told by a broker that does not answer, but by the next that does")
  void outage() {
    write("mood", task("mood", "good", "bad"));
    MockConsumer<byte[], byte[]> broken = consumer;
    broken.setOffsetsException(new KafkaException("down"));
    assertThat(ahead.look("mood", null)).isEqualTo(Answer.NOT_YET);
    await().until(broken::closed);
    consumer = consumer();
    end = 0;
    write("mood", task("mood", "good", "bad"));
    assertThat(look("mood", "bad")).isEqualTo(Answer.COMING);
    assertThat(consumers).hasValue(2);
  }
}
