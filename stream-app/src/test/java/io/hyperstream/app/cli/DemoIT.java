package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoIT {
  @TempDir Path folder;

  @Test
  @DisplayName(
      "the demo answers every sentence exactly once, explains what it could not answer, and teaches"
          + " a task")
  void demo() throws Exception {
    Path json = folder.resolve("summary.json");
    try (PackagedCommand demo = PackagedCommand.start(folder, "demo", "--json", json.toString())) {
      int status = demo.await(Duration.ofMinutes(5));
      assertThat(status).as(demo.errors()).isEqualTo(ExitCodes.OK);
      checkSummary(new ObjectMapper().readTree(json.toFile()));
      assertThat(demo.output())
          .contains("✓", "nothing lost, nothing twice")
          .contains("A task nobody trained: town-desk", "version 1 (")
          .contains("UNKNOWN_TASK", "EMPTY_TEXT", "UNDECODABLE", "MISSING_TEXT_PAIR")
          .doesNotContain("\u001b");
      assertThat(demo.process().descendants()).isEmpty();
      assertThat(demo.errors()).doesNotContain(" WARN ", "Exception");
      Matcher data = Pattern.compile("data in (/\\S+),").matcher(demo.errors());
      assertThat(data.find()).isTrue();
      assertThat(Path.of(data.group(1))).doesNotExist();
    }
  }

  private static void checkSummary(JsonNode summary) {
    int sentences = DemoSentence.all().size();
    int requests = summary.get("requests").intValue();
    assertThat(requests).isGreaterThan(sentences).isGreaterThanOrEqualTo(200);
    assertThat(summary.get("deadLetters").intValue()).isEqualTo(4);
    assertThat(summary.get("predictions").intValue()).isEqualTo(requests - 4);
    assertThat(summary.get("lost").intValue()).isZero();
    assertThat(summary.get("duplicated").intValue()).isZero();
    assertThat(summary.get("throughputPerSecond").doubleValue()).isPositive();
    assertThat(summary.get("startMillis").longValue()).isPositive();
    assertThat(summary.get("wallMillis").longValue())
        .isGreaterThan(summary.get("startMillis").longValue())
        .isLessThanOrEqualTo(120_000);
    JsonNode adaptation = summary.get("adaptation");
    assertThat(adaptation.fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder(
            "taskId", "examples", "before", "after", "secondsToServe", "updateBytes", "versions");
    assertThat(adaptation.get("taskId").asText()).isEqualTo("town-desk");
    assertThat(adaptation.get("examples").intValue()).isEqualTo(32);
    assertThat(adaptation.get("versions").intValue()).isPositive();
    assertThat(adaptation.get("updateBytes").intValue()).isBetween(256, 100_000);
    assertThat(adaptation.get("secondsToServe").doubleValue()).isPositive().isLessThan(60);
    // Measured: from 0.25 to 0.87.
    assertThat(adaptation.get("after").doubleValue())
        .isGreaterThan(adaptation.get("before").doubleValue() + 0.25);
    JsonNode latency = summary.get("latencyMillis");
    assertThat(latency.get("p50").doubleValue()).isPositive();
    assertThat(latency.get("p95").doubleValue())
        .isGreaterThanOrEqualTo(latency.get("p50").doubleValue());
    assertThat(latency.get("p99").doubleValue())
        .isGreaterThanOrEqualTo(latency.get("p95").doubleValue());
    int examples = 0;
    double correct = 0;
    for (JsonNode task : summary.get("tasks")) {
      assertThat(task.get("examples").intValue()).isPositive();
      assertThat(task.get("accuracy").doubleValue()).isBetween(0.0, 1.0);
      examples += task.get("examples").intValue();
      correct += task.get("accuracy").doubleValue() * task.get("examples").intValue();
    }
    assertThat(summary.get("tasks").size()).isGreaterThanOrEqualTo(6);
    assertThat(examples).isEqualTo(sentences);
    // Far above what guessing gives; the labels are a person's, so no more is promised.
    assertThat(correct / examples).isGreaterThan(0.5);
  }
}
