package io.hyperstream.model.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@DisplayName("Workers")
@Timeout(60)
class WorkersTest {
  @Test
  @DisplayName("compute parts at the same time, none of them recording, results in their order")
  void sideBySide() {
    CountDownLatch both = new CountDownLatch(2);
    try (Workers workers = Workers.of(2, 2)) {
      Ops.inferenceThread();
      List<Supplier<Integer>> parts = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        int number = i;
        parts.add(
            () -> {
              both.countDown();
              assertThat(await(both)).as("the other part runs meanwhile").isTrue();
              assertThat(Ops.recording()).isFalse();
              return number;
            });
      }
      assertThat(workers.run(parts)).containsExactly(0, 1);
    }
  }

  private static boolean await(CountDownLatch latch) {
    try {
      return latch.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  @DisplayName("throw what a part threw, after the others have ended")
  void failure() {
    AtomicInteger ended = new AtomicInteger();
    try (Workers workers = Workers.of(3, 3)) {
      Ops.inferenceThread();
      List<Supplier<Integer>> parts = new ArrayList<>();
      for (int i = 0; i < 9; i++) {
        int number = i;
        parts.add(
            () -> {
              if (number == 4) {
                throw new IllegalArgumentException("part 4");
              }
              return ended.incrementAndGet();
            });
      }
      assertThatThrownBy(() -> workers.run(parts))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("part 4");
      int now = ended.get();
      assertThat(workers.run(List.of(() -> 1, () -> 2))).containsExactly(1, 2);
      assertThat(ended).hasValue(now);
    }
  }

  @Test
  @DisplayName("leave the calling thread's number of threads as it was")
  void threads() {
    int before = Ops.setThreads(2);
    try (Workers workers = Workers.of(2, 2)) {
      Ops.inferenceThread();
      List<Supplier<Integer>> parts = List.of(Ops::threads, Ops::threads, Ops::threads);
      assertThat(workers.run(parts)).containsOnly(1);
      assertThat(Ops.threads()).isEqualTo(2);
    } finally {
      Ops.setThreads(before);
    }
  }
}
