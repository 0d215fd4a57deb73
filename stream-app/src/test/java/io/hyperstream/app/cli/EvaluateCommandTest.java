package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("hyperstream evaluate")
class EvaluateCommandTest {
  /** Sentences written for this test: a task of texts, one of pairs, one without labels. */
  private static final Path DATA = Path.of("src/test/resources/few-shot");

  @TempDir Path folder;

  @Test
  @DisplayName("--json prints an object per run and nothing else; adapting beats not adapting")
  void json() throws IOException {
    CommandRun run =
        evaluate("--data", DATA.toString(), "--few-shot", "2,4", "--seeds", "2", "--json");

    assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCodes.OK);
    List<JsonNode> runs = new ArrayList<>();
    for (String line : run.out().lines().toList()) {
      runs.add(new ObjectMapper().readTree(line));
    }
    assertThat(runs).hasSize(2 * 2 * 2);
    assertThat(runs.get(0).fieldNames())
        .toIterable()
        .containsExactly(
            "taskId",
            "method",
            "shots",
            "seed",
            "metric",
            "zeroShot",
            "score",
            "calibrationError",
            "seconds");
    assertThat(runs).allMatch(r -> r.path("method").asText().equals("auto"));
    assertThat(runs.stream().map(r -> r.path("taskId").asText()).distinct())
        .containsExactly("echo", "rooms");
    double gain =
        runs.stream()
            .filter(r -> r.path("taskId").asText().equals("rooms") && r.path("shots").asInt() == 4)
            .mapToDouble(r -> r.path("score").asDouble() - r.path("zeroShot").asDouble())
            .average()
            .orElseThrow();
    assertThat(gain).isGreaterThan(0.15);
    assertThat(run.err())
        .contains("skipping stars: few-shot adaptation needs labels")
        .contains("echo: instead of 4 examples per label there are only 3 of 'same'");
  }

  @Test
  @DisplayName("without --json a table: a line per task, shots and method, then the means")
  void table() {
    CommandRun run =
        evaluate(
            "--data",
            DATA.toString(),
            "--task=rooms,echo",
            "--few-shot=2",
            "--seeds=2",
            "--method=zero-shot,prototypes,logistic",
            "--max-test-rows=4");

    assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCodes.OK);
    List<String> lines = run.out().lines().toList();
    assertThat(lines).hasSize(1 + 6 + 3);
    assertThat(lines.get(0)).startsWith("task").contains("zero-shot", "after", "ece", "seconds");
    assertThat(lines.get(1)).startsWith("rooms").contains("zero-shot", "accuracy", "±");
    assertThat(lines.get(8)).startsWith("mean").contains("prototypes").endsWith("4");
    assertThat(lines.get(9)).startsWith("mean").contains("logistic").endsWith("4");
  }

  @Test
  @DisplayName("--promotion: real labels win more often than shuffled ones")
  void promotion() {
    CommandRun run =
        evaluate(
            "--data",
            DATA.toString(),
            "--task=rooms",
            "--few-shot=5",
            "--seeds=2",
            "--method=prototypes",
            "--promotion",
            "--shuffles=2");

    assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCodes.OK);
    List<String> lines = run.out().lines().toList();
    assertThat(lines).hasSize(5);
    assertThat(lines.get(1)).contains("real", "0.8").endsWith("2");
    assertThat(lines.get(4)).contains("shuffled", "0.9").endsWith("4");
  }

  @Test
  @DisplayName("a folder of one's own: what is missing is named, the other tasks still run")
  void broken() throws IOException {
    Path ok = task("ok", "[\"tea\",\"bread\"]");
    Files.writeString(ok.resolve("train.tsv"), "a cup of tea\ttea\na slice of bread\tbread\n");
    Files.writeString(ok.resolve("test.tsv"), "green tea\ttea\nfresh bread\tbread\n");
    Path untested = task("untested", "[\"tea\",\"bread\"]");
    Files.writeString(untested.resolve("train.tsv"), "a cup of tea\ttea\n");
    Files.createDirectories(folder.resolve("data/bare"));

    CommandRun run =
        evaluate("--data", folder.resolve("data").toString(), "--few-shot=1", "--seeds=1");
    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.out()).contains("ok").doesNotContain("untested");
    assertThat(run.err()).contains("skipping untested:", "has neither test.tsv nor test.jsonl");

    String data = folder.resolve("data").toString();
    assertThat(evaluate("--data", ok.toString(), "--few-shot=1", "--seeds=1").out()).contains("ok");
    assertThat(evaluate("--data", data, "--task=untested").err()).contains("neither test.tsv");
    assertThat(evaluate("--data", data, "--task=bare").err()).contains("bare has no task.json");
    assertThat(evaluate("--data", data, "--task=x").err()).contains("there are ok, untested");
    assertThat(evaluate("--data", data + "/bare").err()).contains("has a task.json");
    assertThat(evaluate("--data", data + "/nowhere").err()).contains("no such folder");
    assertThat(evaluate("--data", data, "--method=magic").err())
        .contains("zero-shot, embedding, prototypes, weights, auto");
    assertThat(evaluate("--data", data, "--few-shot=0").err())
        .contains("--few-shot must be 1 or more; it is 0");
    assertThat(evaluate("--data", data, "--without=words,verbs").err()).contains("'verbs'");
    assertThat(evaluate("--data", data, "--method=weights", "--without=words").err())
        .contains("only prototypes and auto have parts to leave out");
    assertThat(evaluate("--data", data, "--promotion", "--without=words").err())
        .contains("--without cannot be combined");
  }

  private Path task(String name, String labels) throws IOException {
    Path task = Files.createDirectories(folder.resolve("data").resolve(name));
    Files.writeString(
        task.resolve("task.json"), "{\"name\": \"" + name + "\", \"labels\": " + labels + "}");
    return task;
  }

  private CommandRun evaluate(String... args) {
    List<String> all = new ArrayList<>(List.of("evaluate"));
    all.addAll(List.of(args));
    all.add("--model");
    all.add("starter-t5-mini");
    all.add("--model-dir");
    all.add(folder.resolve("store").toString());
    return CommandRun.of(all.toArray(new String[0]));
  }
}
