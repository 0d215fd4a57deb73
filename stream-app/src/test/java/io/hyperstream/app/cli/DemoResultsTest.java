package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.app.cli.DemoResults.Phase;
import io.hyperstream.app.cli.DemoResults.Refused;
import io.hyperstream.app.cli.DemoResults.Sent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class DemoResultsTest {
  private static final DemoSentence GREETING =
      new DemoSentence("talk", "hello", Optional.empty(), "greeting");
  private static final DemoSentence FAREWELL =
      new DemoSentence("talk", "so long", Optional.empty(), "closing");
  private static final DemoSentence PRAISE =
      new DemoSentence("review", "great", Optional.empty(), "pros");

  private static final DemoSummary.Adaptation TAUGHT =
      new DemoSummary.Adaptation("reports", 32, 16, 0.25, 0.875, 1.5, 2345, 4);

  private final DemoResults results = new DemoResults();

  @Test
  @DisplayName("answers, dead letters, doubles and losses add up")
  void accounts() {
    send("a", GREETING, Phase.BURST);
    send("b", FAREWELL, Phase.BURST);
    send("c", PRAISE, Phase.BURST);
    results.sent("bad", new Sent(Optional.empty(), Phase.BURST, 0));

    assertThat(answer("a", "greeting", 5)).isPresent();
    assertThat(answer("b", "greeting", 6)).get().matches(answer -> !answer.correct());
    assertThat(results.deadLetter("bad", new Refused("UNKNOWN_TASK", "why"), 7)).isTrue();
    assertThat(answer("a", "greeting", 8)).isEmpty();
    assertThat(results.deadLetter("b", new Refused("MODEL_ERROR", "why"), 9)).isFalse();
    assertThat(answer("someone else's", "greeting", 10)).isEmpty();
    assertThat(results.complete()).isFalse();

    DemoSummary summary = results.summary(100, TAUGHT, 700L, 1, 2);
    assertThat(summary.requests()).isEqualTo(4);
    assertThat(summary.predictions()).isEqualTo(2);
    assertThat(summary.deadLetters()).isEqualTo(1);
    assertThat(summary.lost()).isEqualTo(1);
    assertThat(summary.duplicated()).isEqualTo(2);
    assertThat(summary.exactlyOnce()).isFalse();

    assertThat(answer("c", "pros", 11)).isPresent();
    assertThat(results.complete()).isTrue();
    assertThat(results.summary(100, TAUGHT, 700L, 1, 2).lost()).isZero();
  }

  @Test
  @DisplayName("accuracy counts each sentence once, however often it was sent; a lost one is wrong")
  void accuracy() {
    send("a1", GREETING, Phase.BURST);
    send("b1", FAREWELL, Phase.BURST);
    send("c1", PRAISE, Phase.BURST);
    send("a2", GREETING, Phase.PACED);
    results.predicted("a1", "greeting", 0.9f, 0, 1);
    results.predicted("a2", "greeting", 0.9f, 0, 1);
    results.predicted("c1", "pros", 0.9f, 0, 1);

    assertThat(results.summary(1, TAUGHT, 700L, 1, 1).tasks())
        .containsExactly(
            new DemoSummary.TaskAccuracy("review", 1, 1.0),
            new DemoSummary.TaskAccuracy("talk", 2, 0.5));
  }

  @Test
  @DisplayName(
      "the taught task: accuracy by phase, the first answer of each version; not in the list")
  void taught() {
    send("a1", GREETING, Phase.BEFORE);
    send("b1", FAREWELL, Phase.BEFORE);
    send("p", GREETING, Phase.PROBE);
    send("a2", GREETING, Phase.AFTER);
    send("b2", FAREWELL, Phase.AFTER);
    results.predicted("a1", "greeting", 1, 0, 10);
    results.predicted("b1", "greeting", 1, 0, 20);
    results.predicted("p", "closing", 1, 1, 30);
    results.predicted("a2", "greeting", 1, 1, 40);
    results.predicted("b2", "closing", 1, 1, 50);

    assertThat(results.accuracy(Phase.BEFORE)).isEqualTo(0.5);
    assertThat(results.accuracy(Phase.AFTER)).isEqualTo(1);
    assertThat(results.firstAnswerNanos("talk", 0)).hasValue(10);
    assertThat(results.firstAnswerNanos("talk", 1)).hasValue(30);
    assertThat(results.firstAnswerNanos("review", 1)).isEmpty();
    DemoSummary summary = results.summary(1, TAUGHT, 700L, 1, 1);
    assertThat(summary.requests()).isEqualTo(5);
    assertThat(summary.tasks()).isEmpty();
    assertThat(summary.lines(10))
        .anyMatch(
            line ->
                line.contains("25.0%") && line.contains("87.5% after 32; first version after 16"))
        .anyMatch(line -> line.contains("700 MB"));
  }

  @Test
  @DisplayName("latency is that of the steady phase only, from when a request was due")
  void latency() {
    send("burst", GREETING, Phase.BURST);
    results.predicted("burst", "greeting", 1, 0, TimeUnit.SECONDS.toNanos(100));
    for (int i = 1; i <= 100; i++) {
      send("p" + i, PRAISE, Phase.PACED);
      results.predicted("p" + i, "pros", 1, 0, TimeUnit.MILLISECONDS.toNanos(i));
    }

    DemoSummary.Latency latency = results.summary(1, TAUGHT, 700L, 1, 1).latencyMillis();
    assertThat(latency.p50()).isCloseTo(50, within(0.1));
    assertThat(latency.p95()).isCloseTo(95, within(0.1));
    assertThat(latency.p99()).isCloseTo(99, within(0.2));
  }

  @Test
  @DisplayName("the JSON has exactly the promised keys")
  void json() throws IOException {
    send("a", GREETING, Phase.PACED);
    results.predicted("a", "greeting", 1, 0, 5);

    JsonNode json =
        new ObjectMapper().readTree(Console.toJson(results.summary(12.5, TAUGHT, 700L, 3, 4)));
    assertThat(names(json))
        .containsExactlyInAnyOrder(
            "requests",
            "predictions",
            "deadLetters",
            "lost",
            "duplicated",
            "tasks",
            "throughputPerSecond",
            "latencyMillis",
            "adaptation",
            "peakMegabytes",
            "startMillis",
            "wallMillis");
    assertThat(names(json.get("tasks").get(0)))
        .containsExactlyInAnyOrder("taskId", "examples", "accuracy");
    assertThat(names(json.get("adaptation")))
        .containsExactlyInAnyOrder(
            "taskId",
            "examples",
            "firstPromotion",
            "before",
            "after",
            "secondsToServe",
            "updateBytes",
            "versions");
    assertThat(names(json.get("latencyMillis"))).containsExactlyInAnyOrder("p50", "p95", "p99");
    assertThat(json.get("throughputPerSecond").doubleValue()).isEqualTo(12.5);
  }

  @Test
  @DisplayName("the summary says that nothing was lost or twice, or how many")
  void text() {
    send("a", GREETING, Phase.PACED);
    assertThat(results.summary(1, TAUGHT, 700L, 1, 1).lines(10))
        .anyMatch(line -> line.contains("1 lost"));
    results.predicted("a", "greeting", 1, 0, 5);
    assertThat(results.summary(1, TAUGHT, 700L, 1, 1).lines(10))
        .anyMatch(line -> line.contains("nothing lost, nothing answered twice"))
        .anyMatch(line -> line.contains("100.0%"));
  }

  private void send(String id, DemoSentence sentence, Phase phase) {
    results.sent(id, new Sent(Optional.of(sentence), phase, 0));
  }

  private Optional<DemoResults.Answer> answer(String id, String label, long nanos) {
    return results.predicted(id, label, 0.5f, 0, nanos);
  }

  private static List<String> names(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
