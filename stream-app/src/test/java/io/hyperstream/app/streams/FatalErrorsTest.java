package io.hyperstream.app.streams;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.kafka.streams.errors.StreamsException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A process ends")
class FatalErrorsTest {

  @Test
  @DisplayName("when a part of the installation is missing, however deep that is said")
  void linkage() {
    Throwable failure =
        new StreamsException("a task failed", new NoClassDefFoundError("org/example/Missing"));
    assertThat(FatalErrors.in(failure, 1).orElseThrow())
        .hasMessageContaining("org/example/Missing")
        .hasMessageContaining("install it again");
  }

  @Test
  @DisplayName("when the virtual machine fails, but not when a stack overflows")
  void virtualMachine() {
    assertThat(FatalErrors.in(new InternalError("a fault"), 1).orElseThrow())
        .hasMessageContaining("a fault");
    assertThat(FatalErrors.in(new StackOverflowError(), 100)).isEmpty();
  }

  @Test
  @DisplayName("when memory is short again and again, not the first time")
  void memory() {
    Throwable failure = new StreamsException(new OutOfMemoryError("Java heap space"));
    assertThat(FatalErrors.in(failure, 1)).isEmpty();
    assertThat(FatalErrors.in(failure, FatalErrors.MEMORY_ATTEMPTS)).isPresent();
  }

  @Test
  @DisplayName("for no ordinary failure")
  void ordinary() {
    assertThat(FatalErrors.in(new StreamsException("a broker is away"), 100)).isEmpty();
  }
}
