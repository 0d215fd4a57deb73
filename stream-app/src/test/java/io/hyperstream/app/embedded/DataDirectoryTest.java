package io.hyperstream.app.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The data directory")
class DataDirectoryTest {
  @TempDir Path temp;

  @Test
  @DisplayName("belongs to one holder at a time, and to the next once closed")
  void oneHolder() {
    Path path = temp.resolve("new/deep");
    try (DataDirectory held = DataDirectory.open(path)) {
      assertThat(held.path()).isDirectory();
      assertThatThrownBy(() -> DataDirectory.open(path))
          .isInstanceOf(EmbeddedClusterException.class)
          .hasMessageContaining(path.toString())
          .hasMessageContaining("process " + ProcessHandle.current().pid());
    }
    DataDirectory.open(path).close();
  }

  @Test
  @DisplayName("remembers ports, and survives a damaged memory of them")
  void ports() throws Exception {
    try (DataDirectory directory = DataDirectory.open(temp)) {
      assertThat(directory.lastPort("kafka")).isEmpty();
      directory.rememberPort("kafka", 9092);
      directory.rememberPort("registry", 8081);
      assertThat(directory.lastPort("kafka")).hasValue(9092);
      assertThat(directory.lastPort("registry")).hasValue(8081);

      Files.writeString(temp.resolve("ports.properties"), "kafka=\\u00zz");
      assertThat(directory.lastPort("kafka")).isEmpty();
      Files.writeString(temp.resolve("ports.properties"), "kafka=many");
      assertThat(directory.lastPort("kafka")).isEmpty();
    }
  }

  @Test
  @DisplayName("says so when it cannot be written")
  void unusable() throws Exception {
    Path file = Files.writeString(temp.resolve("file"), "");

    assertThatThrownBy(() -> DataDirectory.open(file.resolve("below")))
        .isInstanceOf(EmbeddedClusterException.class)
        .hasMessageContaining("choose a writable one");
  }
}
