package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final AtomicLong nanos = new AtomicLong();

  @Test
  @DisplayName("on a terminal the line is repainted in place, at most every 100 ms")
  void terminal() {
    try (ProgressBar bar = bar(true, ProgressBar.Unit.ROWS, 200)) {
      bar.advance(10);
      assertThat(printed()).isEmpty();
      nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
      bar.advance(90);
      assertThat(printed()).startsWith("\r").contains("50% 100 of 200, 100/s").contains("[####");
    }
    assertThat(printed()).endsWith("\n");
  }

  @Test
  @DisplayName("in a pipe there are plain lines, now and then and at the end, and no control codes")
  void pipe() {
    try (ProgressBar bar = bar(false, ProgressBar.Unit.BYTES, -1)) {
      nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
      bar.advance(1 << 20);
      assertThat(printed()).isEmpty();
      nanos.addAndGet(TimeUnit.SECONDS.toNanos(9));
      bar.advance(9 << 20);
    }
    assertThat(printed().lines())
        .containsExactly("copying: 10.0 MiB, 1.0 MiB/s", "copying: 10.0 MiB, 1.0 MiB/s");
    assertThat(printed()).doesNotContain("\r").doesNotContain("\u001b");
  }

  @Test
  @DisplayName("of few, long runs it says how long the rest will take")
  void timeLeft() {
    try (ProgressBar bar = bar(false, ProgressBar.Unit.RUNS, 8)) {
      nanos.addAndGet(TimeUnit.SECONDS.toNanos(50));
      bar.advance(2);
    }
    assertThat(printed().lines().findFirst()).contains("copying:  25% 2 of 8, 2:30 left");
  }

  @Test
  @DisplayName("what is over at once leaves no line")
  void quick() {
    try (ProgressBar bar = bar(false, ProgressBar.Unit.ROWS, 2)) {
      bar.advance(2);
    }
    assertThat(printed()).isEmpty();
  }

  @Test
  @DisplayName("what there is to say takes the place of the amount per second")
  void detail() {
    try (ProgressBar bar = bar(false, ProgressBar.Unit.ROWS, 600)) {
      nanos.addAndGet(TimeUnit.SECONDS.toNanos(10));
      bar.at(30, 600, "loss 1.250, 900 tokens/s, 3:10 left");
    }
    assertThat(printed()).contains("5% 30 of 600, loss 1.250, 900 tokens/s, 3:10 left");
  }

  private ProgressBar bar(boolean terminal, ProgressBar.Unit unit, long total) {
    Console console = CommandRun.console("", new ByteArrayOutputStream(), err, terminal);
    return new ProgressBar(console, "copying", unit, total, nanos::get);
  }

  private String printed() {
    return err.toString(StandardCharsets.UTF_8);
  }
}
