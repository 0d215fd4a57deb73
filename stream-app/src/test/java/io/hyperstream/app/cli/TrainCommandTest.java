package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("hyperstream train")
class TrainCommandTest {
  @TempDir Path folder;

  /** Two tasks that one word decides; one has a description, the other only examples. */
  @BeforeEach
  void tasks() throws IOException {
    Path weather = Files.createDirectories(folder.resolve("tasks/weather"));
    StringBuilder tsv = new StringBuilder();
    StringBuilder json = new StringBuilder();
    for (String frame : List.of("there is %s here", "I saw some %s today", "%s again")) {
      for (String word : List.of("sun", "warm", "rain", "umbrella")) {
        String label = word.equals("sun") || word.equals("warm") ? "sunny" : "rainy";
        tsv.append(String.format(Locale.ROOT, frame, word)).append('\t').append(label).append('\n');
        json.append(
            Console.toJson(
                java.util.Map.of(
                    "text", String.format(Locale.ROOT, frame, word), "label", label + " day")));
        json.append('\n');
      }
    }
    for (String split : List.of("train", "validation", "test")) {
      Files.writeString(weather.resolve(split + ".tsv"), tsv);
    }
    Path days = Files.createDirectories(folder.resolve("tasks/days"));
    Files.writeString(days.resolve("train.jsonl"), json);
    Files.writeString(
        days.resolve("task.json"),
        """
        {"kind": "classification", "labels": ["rainy day", "sunny day"], "group": "target"}
        """);
  }

  @Test
  @DisplayName("what it writes is imported, and answers as it learnt")
  void roundTrip() throws IOException {
    Path run = folder.resolve("run");
    CommandRun trained =
        run(
            "train",
            "--data",
            folder.resolve("tasks").toString(),
            "--output",
            run.toString(),
            "--steps",
            "45",
            "--lr",
            "5e-3",
            "--batch-size",
            "12",
            "--json");
    assertThat(trained.exitCode()).as(trained.err()).isZero();
    JsonNode summary = new ObjectMapper().readTree(trained.out());
    assertThat(summary.get("tasks")).hasSize(1); // the other is a target
    assertThat(summary.get("test").get("weather").get("accuracy").doubleValue()).isGreaterThan(0.9);
    assertThat(summary.get("steps").intValue()).isEqualTo(45);
    assertThat(trained.err()).contains("hyperformer++ on weather (12 rows): 45 steps");
    assertThat(run.resolve("training.html")).exists();

    assertThat(run("model", "import", summary.get("model").asText(), "--name", "mine").exitCode())
        .isZero();
    CommandRun answer =
        run("predict", "--model", "mine", "-t", "weather", "--text", "rain again", "--json");
    assertThat(new ObjectMapper().readTree(answer.out()).get("label").asText()).isEqualTo("rainy");
    assertThat(run("model", "inspect", "mine").out()).contains("weather", "test accuracy");

    CommandRun further =
        run(
            "train",
            "--model",
            "mine",
            "--init",
            "continue",
            "--data",
            folder.resolve("tasks").toString(),
            "--output",
            folder.resolve("further").toString(),
            "--steps",
            "1",
            "--lr",
            "0",
            "--json");
    assertThat(further.exitCode()).as(further.err()).isZero();
    assertThat(new ObjectMapper().readTree(further.out()).get("test"))
        .isEqualTo(summary.get("test"));
  }

  @Test
  @DisplayName("a preset with a model per task makes one per task, here of T5 from scratch")
  void perTask() throws IOException {
    Path shape =
        Files.writeString(
            folder.resolve("shape.json"),
            """
            {"model_type": "t5", "vocab_size": 8192, "d_model": 16, "d_kv": 4, "d_ff": 32,
             "num_heads": 4, "num_layers": 1, "n_positions": 64}
            """);
    String[] line = {
      "train",
      "--data",
      folder.resolve("tasks/weather") + "," + folder.resolve("tasks/days"),
      "--tasks",
      "weather,days",
      "--preset",
      "finetune-single-task",
      "--init",
      "random",
      "--config",
      shape.toString(),
      "--output",
      folder.resolve("each").toString(),
      "--epochs",
      "2"
    };
    CommandRun trained = run(line);
    assertThat(trained.exitCode()).as(trained.err()).isZero();
    assertThat(trained.out()).contains("weather", "days", "2 steps in");
    CommandRun imported =
        run("model", "import", folder.resolve("each/days/model").toString(), "--name", "days");
    assertThat(imported.exitCode()).as(imported.err()).isZero();
    CommandRun answer = run("predict", "--model", "days", "-t", "days", "--text", "rain", "--json");
    assertThat(answer.out()).contains("rainy day", "sunny day");

    CommandRun again = run(line);
    assertThat(again.exitCode()).isEqualTo(ExitCodes.USAGE);
    assertThat(again.err()).contains("has a run already; --resume goes on with it");
    String[] resumed = java.util.Arrays.copyOf(line, line.length + 1);
    resumed[line.length] = "--resume";
    assertThat(run(resumed).exitCode()).isZero();
    resumed[line.length - 1] = "3";
    CommandRun other = run(resumed);
    assertThat(other.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(other.err()).contains("is of another run", "it has ", ", this run ");
  }

  @Test
  @DisplayName("mistakes are named before anything is computed")
  void mistakes() {
    String tasks = folder.resolve("tasks").toString();
    String out = folder.resolve("out").toString();
    assertUsage("no such folder: /nowhere", "--data", "/nowhere", "--output", out);
    assertUsage(
        "there is no task rain; there are days, weather",
        "--data",
        tasks,
        "--tasks",
        "rain",
        "--output",
        out);
    assertUsage("hyperformer++, hyperformer,", "--data", tasks, "-o", out, "--preset", "bert");
    assertUsage("--train knows backbone", "--data", tasks, "-o", out, "--train", "head");
    assertUsage("go with --init random", "--data", tasks, "-o", out, "--config", "t5-small");
    assertUsage(
        "no such file, and unknown model shape 'huge'",
        "--data",
        tasks,
        "-o",
        out,
        "--init",
        "random",
        "--config",
        "huge");
    assertUsage("not both", "--data", tasks, "-o", out, "--steps", "1", "--epochs", "1");
    assertUsage("--output", "--data", tasks);
    assertUsage("temperature must be positive", "--data", tasks, "-o", out, "--temperature", "0");
  }

  private void assertUsage(String message, String... args) {
    String[] all = new String[args.length + 1];
    all[0] = "train";
    System.arraycopy(args, 0, all, 1, args.length);
    CommandRun run = message.equals("--output") ? CommandRun.of(all) : run(all);
    assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCodes.USAGE);
    assertThat(run.err()).contains(message).doesNotContain("\tat ");
    assertThat(run.out()).isEmpty();
  }

  private CommandRun run(String... args) {
    String[] all = java.util.Arrays.copyOf(args, args.length + 2);
    all[args.length] = "--model-dir";
    all[args.length + 1] = folder.resolve("store").toString();
    return CommandRun.of(all);
  }
}
