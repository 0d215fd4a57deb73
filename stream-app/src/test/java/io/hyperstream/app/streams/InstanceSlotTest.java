package io.hyperstream.app.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("An instance slot")
class InstanceSlotTest {
  @TempDir Path temp;

  @Test
  @DisplayName("has a name of its own among live ones, and the next gets the name of the last")
  void names() {
    String first;
    try (InstanceSlot a = InstanceSlot.claim(temp.resolve("slots"), "app");
        InstanceSlot b = InstanceSlot.claim(temp.resolve("slots"), "app")) {
      assertThat(a.name()).isNotEqualTo(b.name());
      first = a.name();
    }
    try (InstanceSlot again = InstanceSlot.claim(temp.resolve("slots"), "app")) {
      assertThat(again.name()).isEqualTo(first);
    }
    try (InstanceSlot elsewhere = InstanceSlot.claim(temp.resolve("others"), "app")) {
      assertThat(elsewhere.name()).isNotEqualTo(first);
    }
  }

  /** Another process: names the slot it gets. */
  static final class Other {
    private Other() {}

    public static void main(String[] args) {
      try (InstanceSlot slot = InstanceSlot.claim(Path.of(args[0]), "app")) {
        System.out.print("slot " + slot.name());
      }
    }
  }

  private String slotOfAnotherProcess() throws Exception {
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                Other.class.getName(),
                temp.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(other.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(other.waitFor()).as(output).isZero();
    return output.substring(output.indexOf("slot ") + 5);
  }

  @Test
  @DisplayName("stays its holder's when another of the same process looks for one")
  void staysLocked() throws Exception {
    try (InstanceSlot a = InstanceSlot.claim(temp, "app");
        InstanceSlot b = InstanceSlot.claim(temp, "app")) {
      assertThat(slotOfAnotherProcess()).hasSize(36).isNotIn(a.name(), b.name());
    }
  }

  @Test
  @DisplayName("writes a new name over half a one")
  void torn() throws Exception {
    Path file = temp.resolve("app.instances").resolve("instance-0");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "0a1b2c3d-00");
    try (InstanceSlot slot = InstanceSlot.claim(temp, "app")) {
      assertThat(slot.name()).hasSize(36);
      assertThat(file).hasContent(slot.name());
    }
  }

  @Test
  @DisplayName("says which setting is at fault when its folder cannot be written to")
  void noFolder() throws Exception {
    Path file = Files.writeString(temp.resolve("file"), "in the way");
    assertThatThrownBy(() -> InstanceSlot.claim(file.resolve("slots"), "app"))
        .hasMessageContaining("hyperstream.streams.state-dir")
        .hasMessageContaining(file.toString());
  }

  @Test
  @DisplayName("makes transactional ids that only differ by thread")
  void transactionalIds() {
    FencingClients clients =
        new FencingClients(
            "app", "slot", new OffsetWatch("app", List.of(), "answers", new SimpleMeterRegistry()));
    assertThat(clients.stable("app-fefc9328-758b-42bc-b893-67ccd76ae88d-2"))
        .isEqualTo("app-slot-2");
  }
}
