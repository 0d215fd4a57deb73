package io.hyperstream.app.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The registry's home")
class RegistryHomeTest {
  @TempDir Path temp;

  @Test
  @DisplayName("is where the build unpacked it")
  void found() {
    assertThat(RegistryHome.runner()).isRegularFile().isAbsolute();
  }

  @Test
  @DisplayName("says what to do when it is empty or missing")
  void missing() {
    for (Path home : new Path[] {temp, temp.resolve("missing")}) {
      assertThatThrownBy(() -> RegistryHome.runnerIn(home))
          .isInstanceOf(EmbeddedClusterException.class)
          .hasMessageContaining(home.toString())
          .hasMessageContaining("mvn package")
          .hasMessageContaining("hyperstream.registry.home");
    }
  }
}
