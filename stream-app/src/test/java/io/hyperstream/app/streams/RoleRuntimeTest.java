package io.hyperstream.app.streams;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayName("A role's start")
class RoleRuntimeTest {
  private final RoleRuntime role =
      new RoleRuntime("test", null) {
        @Override
        protected RoleService open(Cluster cluster) {
          throw new AssertionError("not in this test");
        }
      };

  private void fails(Throwable failure) {
    role.failOnThrow(
        () -> {
          if (failure instanceof Error error) {
            throw error;
          }
          throw (RuntimeException) failure;
        });
    assertThat(role.ended()).failsWithin(Duration.ofSeconds(5));
    assertThat(role.running()).isCompletedExceptionally();
  }

  @Test
  @DisplayName("that runs out of memory is the role's end, seen in its health, with what to do")
  void outOfMemory() {
    fails(new OutOfMemoryError("Java heap space"));
    assertThat(role.fatal().orElseThrow()).contains("failed", "Java heap space", "-Xmx");
    assertThat(role.problems().toString()).contains("Java heap space");
    fails(new IllegalStateException("Kafka Streams ended, because of that"));
    assertThat(role.fatal().orElseThrow()).contains("Java heap space");
  }

  static List<Error> errors() {
    return List.of(new StackOverflowError("a reason"), new ExceptionInInitializerError("a reason"));
  }

  @ParameterizedTest
  @MethodSource("errors")
  @DisplayName("that ends in any other error is the role's end too")
  void anyError(Error error) {
    fails(error);
    assertThat(role.fatal().orElseThrow()).contains("failed", "a reason");
  }
}
