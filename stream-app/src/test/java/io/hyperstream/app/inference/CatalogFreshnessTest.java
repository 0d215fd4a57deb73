package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hyperstream.app.streams.NotNowException;
import io.hyperstream.model.task.TaskDefinition;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Before a task is called unknown")
class CatalogFreshnessTest {
  private static final String TOPIC = "definitions";
  private static final TopicPartition P0 = new TopicPartition(TOPIC, 0);
  private static final Duration SOON = Duration.ofSeconds(20);

  private final TaskCatalog catalog = new TaskCatalog(new TestPredictor());
  private final MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");
  private final AtomicInteger consumers = new AtomicInteger();
  private final AtomicLong nanos = new AtomicLong();
  private final AtomicLong clock = new AtomicLong(1_000_000);
  private final CatalogFreshness freshness =
      new CatalogFreshness(
          catalog,
          TOPIC,
          () -> {
            consumers.incrementAndGet();
            return consumer;
          },
          clock::get,
          nanos::get);

  @AfterEach
  void close() {
    freshness.close();
  }

  private void topic(long end) {
    consumer.updatePartitions(TOPIC, List.of(new PartitionInfo(TOPIC, 0, null, null, null)));
    consumer.updateBeginningOffsets(Map.of(P0, 0L));
    consumer.updateEndOffsets(Map.of(P0, end));
  }

  private CompletableFuture<Void> check(String taskId) {
    return freshness.caughtUp(taskId, clock.get());
  }

  @Test
  @DisplayName("a catalog at the topic's end is taken as it is")
  void upToDate() {
    topic(5);
    catalog.reached(0, 5);
    assertThat(check("task")).succeedsWithin(SOON);
  }

  @Test
  @DisplayName("the definitions that are on their way are waited for")
  void behind() {
    topic(1);
    consumer.schedulePollTask(
        () -> consumer.addRecord(new ConsumerRecord<>(TOPIC, 0, 0, null, new byte[0])));
    CompletableFuture<Void> check = check("task");
    await().until(() -> consumers.get() == 1);
    assertThat(check).isNotDone();
    catalog.define(TaskDefinition.classification("task", List.of("yes", "no")));
    catalog.reached(0, 1);
    assertThat(check).succeedsWithin(SOON);
  }

  @Test
  @DisplayName("offsets without a record (compaction, transaction markers) are not waited for")
  void gaps() {
    topic(9);
    catalog.reached(0, 5);
    // The consumer passes the gap without any record.
    consumer.schedulePollTask(() -> consumer.seek(P0, 9));
    assertThat(check("task")).succeedsWithin(Duration.ofMillis(1_900));
  }

  @Test
  @DisplayName("nothing is concluded while the registry keeps the catalog from advancing")
  void stalled() {
    topic(1);
    consumer.schedulePollTask(
        () -> consumer.addRecord(new ConsumerRecord<>(TOPIC, 0, 0, null, new byte[0])));
    catalog.stalled(Optional.of("the registry is down"));
    assertThat(check("task"))
        .failsWithin(SOON)
        .withThrowableThat()
        .withCauseInstanceOf(NotNowException.class)
        .withMessageContaining("the registry is down");
  }

  @Test
  @DisplayName("nothing is concluded from a catalog or a topic that is too slow to compare")
  void slow() {
    topic(1);
    consumer.schedulePollTask(
        () -> consumer.addRecord(new ConsumerRecord<>(TOPIC, 0, 0, null, new byte[0])));
    CompletableFuture<Void> slowCatalog = check("task");
    await().until(() -> consumers.get() == 1);
    CompletableFuture<Void> queuedBehind = check("another");
    for (CompletableFuture<Void> check : List.of(slowCatalog, queuedBehind)) {
      assertThat(check)
          .failsWithin(SOON)
          .withThrowableThat()
          .withCauseInstanceOf(NotNowException.class)
          .withMessageContaining("not read to their end in time");
    }
  }

  @Test
  @DisplayName("nothing is concluded from a broker that does not answer, and the next check can")
  void brokerDown() {
    topic(0);
    consumer.setOffsetsException(new KafkaException("down"));
    assertThat(check("task"))
        .failsWithin(SOON)
        .withThrowableThat()
        .withCauseInstanceOf(NotNowException.class);
  }

  @Test
  @DisplayName("an answer holds for a second, for requests older than it")
  void remembered() {
    topic(0);
    long before = clock.get();
    assertThat(freshness.caughtUp("task", before)).succeedsWithin(SOON);
    topic(1); // a check now would have to wait
    assertThat(freshness.caughtUp("task", before)).isDone();
    assertThat(freshness.caughtUp("task", clock.get() + 5_000)).isNotDone();
    assertThat(freshness.caughtUp("other", before)).isNotDone();
  }

  @Test
  @DisplayName("an answer holds for a second also when the clock is set back meanwhile")
  void clockSetBack() {
    topic(0);
    clock.addAndGet(Duration.ofHours(1).toMillis());
    assertThat(check("task")).succeedsWithin(SOON);
    clock.addAndGet(-Duration.ofHours(1).toMillis());
    topic(1);
    assertThat(check("task")).isDone();
    nanos.set(Duration.ofSeconds(1).toNanos());
    assertThat(check("task")).isNotDone();
  }

  @Test
  @DisplayName("an answer says nothing about what was defined while it was looked for")
  void definedDuringTheCheck() {
    topic(1);
    long began = clock.get();
    consumer.schedulePollTask(
        () -> {
          clock.addAndGet(500); // the end is known by now; nobody looks for what comes after it
          consumer.seek(P0, 1);
        });
    assertThat(freshness.caughtUp("task", began)).succeedsWithin(SOON);
    assertThat(clock.get()).isEqualTo(began + 500);
    topic(2); // defined and then asked for, while the check was under way
    assertThat(freshness.caughtUp("task", began + 400)).isNotDone();
    assertThat(freshness.caughtUp("task", began)).isDone();
  }
}
