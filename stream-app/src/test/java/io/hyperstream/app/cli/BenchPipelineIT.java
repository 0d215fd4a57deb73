package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.testing.ChildJvm;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Whether it measures what it says; what comes out depends on the machine. */
@DisplayName("hyperstream bench pipeline")
@ExtendWith(SharedCluster.class)
class BenchPipelineIT {
  @TempDir Path folder;

  @Test
  @DisplayName("measures on a cluster of the user's, and leaves nothing behind")
  void external() throws Exception {
    EmbeddedCluster cluster = SharedCluster.cluster();
    Path json = folder.resolve("rows.jsonl");

    List<String> command = new ArrayList<>(List.of("bench", "pipeline"));
    ChildJvm.OPTIONS.forEach(option -> command.add("--java-option=" + option));
    command.addAll(
        List.of(
            "--rounds=2",
            "--seconds=0.5",
            "--swaps=3",
            "--max-spread=10",
            "--threads=1",
            "--java-option=-Xmx512m",
            "--model=starter-t5-mini",
            "--model-dir=" + folder.resolve("models"),
            "--bootstrap-servers=" + cluster.bootstrapServers(),
            "--schema-registry-url=" + cluster.schemaRegistryUrl(),
            "--json=" + json));
    CommandRun run = CommandRun.of(command.toArray(String[]::new));

    // A machine as busy as a test run's may keep it from sending in time, and it says so.
    assertThat(run.exitCode()).as(run.err()).isIn(ExitCodes.OK, ExitCodes.NOT_CLEAN);
    assertThat(run.err()).doesNotContain("beyond the first", "dead letters", "waited at the end");
    Map<String, JsonNode> rows = new LinkedHashMap<>();
    for (JsonNode row : new ObjectMapper().readTree(json.toFile()).path("rows")) {
      rows.put(row.path("bench").asText() + row.path("config").path("load").asText(), row);
    }
    assertThat(rows)
        .containsKeys(
            "pipeline.engine",
            "pipeline.batch",
            "pipeline.latency.p500.2",
            "pipeline.latency.p990.5",
            "pipeline.latency.max0.8",
            "pipeline.latency.against.p990.5");
    assertThat(rows.get("pipeline.throughput").path("ratioTo").asText())
        .isEqualTo("pipeline.engine");
    assertThat(rows.get("pipeline.throughput").path("ratio").asDouble()).isPositive();
    assertThat(rows.get("pipeline.throughput.against").path("config").path("settings").asText())
        .isEqualTo("streams.guarantee=at_least_once");
    assertThat(rows.get("pipeline.swap.p50").path("config").path("swaps").asInt()).isEqualTo(3);
    assertThat(rows.get("pipeline.swap.p50").path("value").asDouble()).isPositive();
    assertThat(run.out()).contains("pipeline.throughput", "0.5", "kafka: external");
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", cluster.bootstrapServers()))) {
      assertThat(admin.listTopics().names().get()).noneMatch(name -> name.startsWith("bench-"));
    }
  }
}
