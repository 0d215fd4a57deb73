package io.hyperstream.app.embedded;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The embedded Kafka")
class EmbeddedKafkaTest {
  @TempDir Path temp;

  @Test
  @DisplayName("does not put data aside whose files an earlier release named in other digits")
  void otherDigits() throws Exception {
    Path partition = Files.createDirectories(temp.resolve("task.definitions-0"));
    String zeros = "\u06f0".repeat(20); // of Persian
    Path segment = Files.writeString(partition.resolve(zeros + ".log"), "");

    assertThatThrownBy(
            () -> EmbeddedKafka.start(temp, FreePorts.next(), FreePorts.next(), Map.of()))
        .isInstanceOf(EmbeddedClusterException.class)
        .hasMessageContainingAll(segment.toString(), "0 to 9", "another data directory");
  }
}
