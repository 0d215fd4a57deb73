package io.hyperstream.app.http.topics;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.http.topics.VersionTable.Published;
import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.schemas.AdapterForm;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("What the topics say")
class TablesTest {

  @Test
  @DisplayName("definitions: as last written, servable or not, by pages; near ids are found")
  void definitions() {
    DefinitionTable table = new DefinitionTable();
    for (String id : new String[] {"billing", "support-routing", "clinc_banking", "mood"}) {
      table.put(AppFixture.task(id, "a", "b").build());
    }
    table.put(AppFixture.task("broken", "only one").build());
    table.unreadable("torn", "no Avro");
    assertThat(table.find("mood").orElseThrow().problem()).isEmpty();
    assertThat(table.find("broken").orElseThrow().problem().orElseThrow()).contains("2 to 1024");
    assertThat(table.find("torn").orElseThrow().written()).isEmpty();
    assertThat(table.after("", 2))
        .extracting(DefinitionTable.Defined::taskId)
        .containsExactly("billing", "broken");
    assertThat(table.after("support-routing", 10))
        .extracting(DefinitionTable.Defined::taskId)
        .containsExactly("torn");
    assertThat(table.near("suport-routing")).containsExactly("support-routing");
    assertThat(table.near("banking")).contains("clinc_banking");
    assertThat(table.near("something-else-altogether")).isEmpty();
    table.remove("mood");
    assertThat(table.find("mood")).isEmpty();
  }

  private static Published version(String taskId, long number) {
    return new Published(
        taskId,
        number,
        Optional.empty(),
        "m",
        AdapterForm.EMBEDDING,
        8,
        Map.of(),
        Instant.ofEpochSecond(number),
        "",
        300);
  }

  @Test
  @DisplayName("versions: the newest first, without those erased; which one serves")
  void versions() {
    VersionTable table = new VersionTable();
    for (long number = 1; number <= 3; number++) {
      table.put("m|t|" + number, version("t", number));
    }
    table.put("m|other|1", version("other", 1));
    table.remove("m|t|1");
    table.remove("m|t|1");
    assertThat(table.of("t")).extracting(Published::version).containsExactly(3L, 2L);
    assertThat(table.served("m", "t")).isEmpty();
    table.serve("m|t", version("t", 3));
    assertThat(table.served("m", "t").orElseThrow().version()).isEqualTo(3);
    assertThat(table.served("another-model", "t")).isEmpty();
    table.revert("m|t");
    assertThat(table.served("m", "t")).isEmpty();
  }

  @Test
  @DisplayName(
      "the latest: bounded in number and bytes, the oldest are evicted, whatever came first")
  void latest() {
    LatestRecords<Integer> latest = new LatestRecords<>(3, 100);
    int[] order = {5, 1, 4, 2, 3};
    for (int number : order) {
      latest.add(Instant.ofEpochSecond(number), 0, number, 10, number);
    }
    assertThat(latest.newest(10, number -> true)).containsExactly(5, 4, 3);
    assertThat(latest.newest(1, number -> number < 5)).containsExactly(4);
    latest.add(Instant.ofEpochSecond(6), 0, 6, 95, 6);
    assertThat(latest.newest(10, number -> true)).containsExactly(6);
    latest.add(Instant.ofEpochSecond(7), 0, 7, 1_000, 7);
    assertThat(latest.newest(10, number -> true)).containsExactly(7);
  }

  @Test
  @DisplayName("the beginning of a text never ends in half a character")
  void beginning() {
    assertThat(RefusedRecord.beginning("short")).isEqualTo("short");
    String text = "x".repeat(199) + "\uD83D\uDE00 and more";
    assertThat(RefusedRecord.beginning(text)).isEqualTo("x".repeat(199));
  }
}
