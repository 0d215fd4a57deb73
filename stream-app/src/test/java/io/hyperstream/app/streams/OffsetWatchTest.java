package io.hyperstream.app.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.NoOffsetForPartitionException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The watch over places in topics")
class OffsetWatchTest {
  private static final TopicPartition PARTITION = new TopicPartition("requests", 2);

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final OffsetWatch watch =
      new OffsetWatch("group", List.of("requests"), "predictions", meters);

  private double records() {
    return meters.get("hyperstream.records.lost").tag("topic", "requests").counter().count();
  }

  private double places() {
    return meters.get("hyperstream.offsets.lost").tag("topic", "requests").counter().count();
  }

  private static MockConsumer<byte[], byte[]> consumer(long first, long end) {
    MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("none");
    consumer.updateBeginningOffsets(Map.of(PARTITION, first));
    consumer.updateEndOffsets(Map.of(PARTITION, end));
    return consumer;
  }

  /** Polls, and sees what Kafka Streams sees. */
  private void fails(long first, long end, InvalidOffsetException failure) {
    assertThatThrownBy(
            () ->
                watch.watched(
                    consumer(first, end),
                    () -> {
                      throw failure;
                    }))
        .isSameAs(failure);
  }

  @Test
  @DisplayName("counts records that are gone before they were read, and names them")
  void removed() {
    assertThat(records()).isZero();
    fails(40, 90, new OffsetOutOfRangeException(Map.of(PARTITION, 10L)));
    assertThat(records()).isEqualTo(30);
    assertThat(places()).isZero();
    assertThat(watch.notices())
        .hasEntrySatisfying(
            "requests-2",
            notice -> assertThat(notice).contains("offsets 10 to 39 were removed before"));
  }

  @Test
  @DisplayName("counts them once, also if the partition is assigned again before the first commit")
  void removedAndAssignedAgain() {
    fails(40, 90, new OffsetOutOfRangeException(Map.of(PARTITION, 10L)));
    fails(40, 95, new OffsetOutOfRangeException(Map.of(PARTITION, 10L)));
    assertThat(records()).isEqualTo(30);

    fails(60, 95, new OffsetOutOfRangeException(Map.of(PARTITION, 45L)));
    assertThat(records()).isEqualTo(45);

    fails(70, 95, new OffsetOutOfRangeException(Map.of(PARTITION, 10L)));
    assertThat(records()).isEqualTo(55);
  }

  @Test
  @DisplayName("says that a topic ends before the place that was reached")
  void shorter() {
    fails(0, 5, new OffsetOutOfRangeException(Map.of(PARTITION, 10L)));
    assertThat(places()).isEqualTo(1);
    assertThat(watch.notices().values())
        .singleElement()
        .asString()
        .contains("ends at offset 5 and had been read to 10", "the 5 offsets it has are read");
  }

  @Test
  @DisplayName("says that the committed offset of a partition is gone")
  void vanished() {
    watch.committed(Map.of(PARTITION, new OffsetAndMetadata(7)));
    fails(0, 3, new NoOffsetForPartitionException(PARTITION));
    assertThat(places()).isEqualTo(1);
    assertThat(watch.notices().values())
        .singleElement()
        .asString()
        .contains("the committed offset is gone");
  }

  @Test
  @DisplayName("says nothing at a first start, or of a new partition")
  void first() {
    fails(0, 3, new NoOffsetForPartitionException(PARTITION));
    fails(2, 3, new NoOffsetForPartitionException(PARTITION)); // logged, not counted
    assertThat(places()).isZero();
    assertThat(records()).isZero();
    assertThat(watch.notices()).isEmpty();
  }

  @Test
  @DisplayName("says that the place is lost also if the broker does not say more")
  void unknown() {
    assertThatThrownBy(
            () ->
                watch.watched(
                    new MockConsumer<>("none") {
                      @Override
                      public Map<TopicPartition, Long> beginningOffsets(
                          java.util.Collection<TopicPartition> of, java.time.Duration timeout) {
                        throw new org.apache.kafka.common.errors.TimeoutException("no answer");
                      }
                    },
                    () -> {
                      throw new OffsetOutOfRangeException(Map.of(PARTITION, 10L));
                    }))
        .isInstanceOf(OffsetOutOfRangeException.class);
    assertThat(places()).isEqualTo(1);
    assertThat(Optional.ofNullable(watch.notices().get("requests-2")).orElseThrow())
        .contains("no answer");
  }
}
