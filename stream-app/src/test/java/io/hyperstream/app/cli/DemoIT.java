package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.schemas.TaskDefinition;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoIT {
  /** A language in which "classic" is not "CLASSIC" in upper case. */
  private static final List<String> TURKISH = List.of("-Duser.language=tr", "-Duser.country=TR");

  @TempDir Path folder;

  @Test
  @DisplayName(
      "the demo answers every sentence exactly once, explains what it could not answer, promotes a"
          + " version after 16 labels at most, and then answers what it could only guess")
  void demo() throws Exception {
    Path json = folder.resolve("summary.json");
    try (PackagedCommand demo =
        PackagedCommand.start(folder, TURKISH, Map.of(), "demo", "--json", json.toString())) {
      int status = demo.await(Duration.ofMinutes(5));
      assertThat(status).as(demo.errors()).isEqualTo(ExitCodes.OK);
      checkSummary(new ObjectMapper().readTree(json.toFile()));
      assertThat(demo.output())
          .contains("✓", "in brackets", "nothing lost, nothing answered twice")
          .contains("requests = predictions + dead letters")
          .contains("A task that has to be taught: city-reports", "version 1 (")
          .contains("UNKNOWN_TASK", "EMPTY_TEXT", "UNDECODABLE", "MISSING_TEXT_PAIR")
          .doesNotContain("\u001b");
      checkExcerpt(demo.output());
      assertThat(demo.process().descendants()).isEmpty();
      assertThat(demo.errors()).doesNotContain(" WARN ", "Exception");
      Matcher data = Pattern.compile("data in (/\\S+),").matcher(demo.errors());
      assertThat(data.find()).isTrue();
      assertThat(Path.of(data.group(1))).doesNotExist();
    }
  }

  /** README shows lines of the demo; but for the numbers, it still prints them. */
  private static void checkExcerpt(String output) throws IOException {
    String printed = withoutNumbers(output);
    for (Readme.Block block : Readme.read().of("text")) {
      assertThat(withoutNumbers(block.text()).lines())
          .isNotEmpty()
          .allSatisfy(line -> assertThat(printed.lines()).contains(line));
    }
  }

  private static String withoutNumbers(String text) {
    return text.replaceAll("[0-9][0-9.,]*", "#").replaceAll(" +", " ");
  }

  private static void checkSummary(JsonNode summary) throws IOException {
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
        .isGreaterThan(summary.get("startMillis").longValue());
    JsonNode adaptation = summary.get("adaptation");
    assertThat(adaptation.fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder(
            "taskId",
            "examples",
            "firstPromotion",
            "before",
            "after",
            "secondsToServe",
            "updateBytes",
            "versions");
    assertThat(adaptation.get("taskId").asText()).isEqualTo("city-reports");
    assertThat(adaptation.get("examples").intValue()).isEqualTo(32);
    assertThat(adaptation.get("versions").intValue()).isPositive();
    assertThat(adaptation.get("updateBytes").intValue()).isBetween(256, 100_000);
    assertThat(adaptation.get("secondsToServe").doubleValue()).isPositive();
    // Names that say nothing: a guess among four. Measured: 0.15, then 1.00,
    // the first version after 8.
    assertThat(adaptation.get("before").doubleValue()).isLessThan(0.5);
    assertThat(adaptation.get("firstPromotion").intValue()).isLessThanOrEqualTo(16);
    assertThat(adaptation.get("after").doubleValue()).isGreaterThan(0.75);
    assertThat(summary.get("peakMegabytes").longValue()).isBetween(200L, 4_000L);
    JsonNode latency = summary.get("latencyMillis");
    assertThat(latency.get("p50").doubleValue()).isPositive();
    assertThat(latency.get("p95").doubleValue())
        .isGreaterThanOrEqualTo(latency.get("p50").doubleValue());
    assertThat(latency.get("p99").doubleValue())
        .isGreaterThanOrEqualTo(latency.get("p95").doubleValue());
    int examples = 0;
    double sum = 0;
    Map<String, Integer> labels = labelsPerTask();
    for (JsonNode task : summary.get("tasks")) {
      double accuracy = task.get("accuracy").doubleValue();
      // Guessing is right once in as many times as there are labels.
      assertThat(accuracy)
          .as(task.toString())
          .isBetween(1.0 / labels.get(task.get("taskId").asText()) + 0.1, 1.0);
      examples += task.get("examples").intValue();
      sum += accuracy;
    }
    assertThat(summary.get("tasks").size()).isEqualTo(10);
    assertThat(examples).isEqualTo(sentences);
    // Before any label. Measured: 0.83.
    assertThat(sum / 10).isGreaterThan(0.75);
  }

  private static Map<String, Integer> labelsPerTask() throws IOException {
    return BenchTexts.demoTasks().stream()
        .collect(Collectors.toMap(TaskDefinition::getTaskId, task -> task.getLabels().size()));
  }
}
