package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class TeardownTest {
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Console console = CommandRun.console("", new ByteArrayOutputStream(), err, false);
  private final List<String> closed = new ArrayList<>();

  @Test
  @DisplayName("closes in reverse order, once, and a failure does not stop the others")
  void order() {
    Teardown teardown = Teardown.alsoOnSignal(console);
    teardown.add("one", () -> closed.add("one"));
    teardown.add(
        "two",
        () -> {
          throw new IllegalStateException("stuck");
        });
    teardown.add("three", () -> closed.add("three"));

    teardown.close();
    teardown.close();

    assertThat(closed).containsExactly("three", "one");
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("while stopping two", "stuck");
  }

  @Test
  @DisplayName("what comes after the end is closed at once")
  void late() {
    Teardown teardown = Teardown.alsoOnSignal(console);
    teardown.close();

    assertThatThrownBy(() -> teardown.add("late", () -> closed.add("late")))
        .hasMessageContaining("shutting down");
    assertThat(closed).containsExactly("late");
  }

  @Test
  @DisplayName("an interruption does not disturb closing and is not forgotten")
  void interrupted() {
    Teardown teardown = Teardown.alsoOnSignal(console);
    teardown.add(
        "waits", () -> closed.add("interrupted: " + Thread.currentThread().isInterrupted()));
    Thread.currentThread().interrupt();

    teardown.close();

    assertThat(closed).containsExactly("interrupted: false");
    assertThat(Thread.interrupted()).isTrue();
  }
}
