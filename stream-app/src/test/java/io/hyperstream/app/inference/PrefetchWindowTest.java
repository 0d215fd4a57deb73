package io.hyperstream.app.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.inference.PrefetchWindow.Found;
import io.hyperstream.app.inference.PrefetchWindow.Taken;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The prefetch window")
class PrefetchWindowTest {
  private static final TopicPartition P0 = new TopicPartition("requests", 0);
  private static final TopicPartition P1 = new TopicPartition("requests", 1);

  private final List<PendingRequest> submitted = new ArrayList<>();

  private PrefetchWindow window(int rows, long bytes, int perPartition) {
    return new PrefetchWindow(rows, bytes, perPartition, submitted::add);
  }

  private static RawRequest raw(TopicPartition partition, long offset) {
    return new RawRequest(partition, offset, 0, new byte[] {(byte) offset, 1});
  }

  private static void poll(PrefetchWindow window, TopicPartition partition, long from, long to) {
    for (long offset = from; offset < to; offset++) {
      window.polled(raw(partition, offset));
    }
    window.fill();
  }

  private List<Long> offsets(TopicPartition partition) {
    return submitted.stream()
        .map(PendingRequest::raw)
        .filter(raw -> raw.partition().equals(partition))
        .map(RawRequest::offset)
        .toList();
  }

  @Test
  @DisplayName("submits the oldest rows up to its size, and one more with each join")
  void slides() {
    PrefetchWindow window = window(3, 1000, 1);
    poll(window, P0, 10, 20);
    assertThat(offsets(P0)).containsExactly(10L, 11L, 12L);

    assertThat(window.take(raw(P0, 10)).map(Taken::found)).contains(Found.SUBMITTED);
    assertThat(offsets(P0)).containsExactly(10L, 11L, 12L, 13L);
    assertThat(window.rows()).isEqualTo(3);
    assertThat(window.bytes()).isEqualTo(6);
  }

  @Test
  @DisplayName("is bounded in bytes too")
  void bytes() {
    PrefetchWindow window = window(100, 5, 1);
    poll(window, P0, 0, 10);
    assertThat(window.rows()).isEqualTo(2);
    assertThat(window.bytes()).isEqualTo(4);
  }

  @Test
  @DisplayName("lets partitions take turns")
  void fair() {
    PrefetchWindow window = window(4, 1000, 1);
    for (long offset = 0; offset < 10; offset++) {
      window.polled(raw(P0, offset));
      window.polled(raw(P1, offset));
    }
    window.fill();
    assertThat(offsets(P0)).containsExactly(0L, 1L);
    assertThat(offsets(P1)).containsExactly(0L, 1L);
  }

  @Test
  @DisplayName("has space for a new partition although another one fills it")
  void roomForNewPartition() {
    PrefetchWindow window = window(4, 8, 2);
    poll(window, P0, 0, 10);
    assertThat(window.rows()).isEqualTo(4);
    poll(window, P1, 0, 10);
    assertThat(offsets(P1)).containsExactly(0L, 1L);
  }

  @Test
  @DisplayName("evicts what lies before a joined record")
  void evictsBehind() {
    PrefetchWindow window = window(4, 1000, 1);
    poll(window, P0, 0, 4);
    assertThat(window.take(raw(P0, 2))).isPresent();
    assertThat(submitted.get(0).isWanted()).isFalse();
    assertThat(submitted.get(1).isWanted()).isFalse();
    assertThat(submitted.get(2).isWanted()).isTrue();
    assertThat(window.rows()).isEqualTo(1);
  }

  @Test
  @DisplayName("starts over when the consumer is rewound")
  void rewind() {
    PrefetchWindow window = window(4, 1000, 1);
    poll(window, P0, 5, 9);
    window.take(raw(P0, 5));
    poll(window, P0, 5, 9);
    assertThat(submitted.subList(1, 4)).noneMatch(PendingRequest::isWanted);
    assertThat(window.rows()).isEqualTo(4);
    assertThat(window.take(raw(P0, 5)).map(Taken::found)).contains(Found.SUBMITTED);
  }

  @Test
  @DisplayName("does not confuse two records at the same offset")
  void checkedAgainstValue() {
    PrefetchWindow window = window(4, 1000, 1);
    poll(window, P0, 0, 2);
    assertThat(window.take(new RawRequest(P0, 0, 0, new byte[] {9}))).isEmpty();
    assertThat(submitted.get(0).isWanted()).isFalse();
    assertThat(window.take(new RawRequest(P0, 1, 0, null))).isEmpty();
  }

  @Test
  @DisplayName("handles records without a value")
  void nullValues() {
    PrefetchWindow window = window(4, 1000, 1);
    window.polled(new RawRequest(P0, 0, 0, null));
    window.fill();
    assertThat(window.take(new RawRequest(P0, 0, 0, null))).isPresent();
    assertThat(window.bytes()).isZero();
  }

  @Test
  @DisplayName("says when a record was polled but not submitted")
  void waiting() {
    PrefetchWindow window = window(1, 1000, 1);
    poll(window, P0, 0, 5);
    assertThat(window.take(raw(P0, 3)).map(Taken::found)).contains(Found.WAITING);
    assertThat(offsets(P0)).containsExactly(0L, 4L);
    assertThat(submitted.get(0).isWanted()).isFalse();
  }

  @Test
  @DisplayName("knows nothing of records it was never shown")
  void unknown() {
    assertThat(window(4, 1000, 1).take(raw(P0, 0))).isEmpty();
  }

  @Test
  @DisplayName("forgets a revoked partition and gives its space to the others")
  void revoked() {
    PrefetchWindow window = window(4, 8, 1);
    poll(window, P0, 0, 10);
    poll(window, P1, 0, 10);
    window.evict(P0);
    assertThat(submitted.stream().filter(p -> p.raw().partition().equals(P0)))
        .noneMatch(PendingRequest::isWanted);
    assertThat(offsets(P1)).containsExactly(0L, 1L, 2L, 3L);
    assertThat(window.rows()).isEqualTo(4);

    window.clear();
    assertThat(window.rows()).isZero();
    assertThat(window.bytes()).isZero();
    assertThat(submitted).noneMatch(PendingRequest::isWanted);
  }
}
