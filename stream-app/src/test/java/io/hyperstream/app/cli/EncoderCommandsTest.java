package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The default model on the command line, without Kafka")
class EncoderCommandsTest {
  @TempDir static Path folder;
  private static String store;

  @BeforeAll
  static void storeFolder() {
    store = folder.resolve("store").toString();
  }

  private static CommandRun run(String input, String... args) {
    List<String> all = new ArrayList<>(List.of(args));
    all.add("--model-dir");
    all.add(store);
    return CommandRun.withInput(input, all.toArray(new String[0]));
  }

  private static List<JsonNode> json(CommandRun run) throws IOException {
    List<JsonNode> out = new ArrayList<>();
    for (String line : run.out().lines().toList()) {
      out.add(new ObjectMapper().readTree(line));
    }
    return out;
  }

  private static double cosine(JsonNode a, JsonNode b) {
    double sum = 0;
    for (int i = 0; i < a.size(); i++) {
      sum += a.get(i).asDouble() * b.get(i).asDouble();
    }
    return sum;
  }

  @Test
  @DisplayName(
      "embed --json prints vectors of length 1 in the order of the input; near texts are near")
  void embed() throws IOException {
    CommandRun run =
        run(
            "My parcel has not come yet.\nWhere is my package?\nThe soup was too salty.\n"
                + "long ".repeat(600)
                + "\n",
            "embed",
            "--json",
            "-");
    assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCodes.OK);
    List<JsonNode> rows = json(run);
    assertThat(rows).hasSize(4);
    assertThat(rows.get(0).fieldNames())
        .toIterable()
        .containsExactly("text", "tokens", "truncated", "vector");
    assertThat(rows.get(2).path("text").asText()).isEqualTo("The soup was too salty.");
    assertThat(rows.get(0).path("truncated").asBoolean()).isFalse();
    assertThat(rows.get(3).path("truncated").asBoolean()).isTrue();
    assertThat(rows.get(3).path("tokens").asInt()).isEqualTo(512);
    for (JsonNode row : rows) {
      assertThat(row.path("vector")).hasSize(384);
      assertThat(cosine(row.path("vector"), row.path("vector"))).isCloseTo(1, within(1e-5));
    }
    assertThat(cosine(rows.get(0).path("vector"), rows.get(1).path("vector")))
        .isGreaterThan(0.1 + cosine(rows.get(0).path("vector"), rows.get(2).path("vector")));
  }

  @Test
  @DisplayName(
      "embed says what cannot be embedded, reads JSONL, and names tasks a model does not know")
  void embedFailures() throws IOException {
    Path file = folder.resolve("texts.jsonl");
    Files.writeString(file, "{\"text\": \"good day\"}\n{\"text\": \"\u200b\"}\n");
    CommandRun run = run("", "embed", "--json", file.toString());
    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(json(run).get(1).path("error").asText()).contains("no visible characters");

    CommandRun task = run("", "embed", "--task", "pros_con", "--text", "nice");
    assertThat(task.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(task.err()).contains("knows no task 'pros_con'", "pros_cons");

    CommandRun t5 =
        run(
            "",
            "embed",
            "--model",
            "starter-t5-mini",
            "--task",
            "pros_cons",
            "--text",
            "bright screen");
    assertThat(t5.exitCode()).as(t5.err()).isEqualTo(ExitCodes.OK);
    assertThat(t5.out()).contains("tokens", "(256)", "bright screen");
  }

  @Test
  @DisplayName(
      "predict --labels chooses by what labels are called, and does not claim to be certain")
  void labels() throws IOException {
    CommandRun run =
        run(
            "",
            "predict",
            "--labels",
            "positive,negative",
            "--text",
            "the battery lasts for days",
            "--json");
    assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCodes.OK);
    JsonNode answer = json(run).get(0);
    assertThat(answer.path("label").asText()).isEqualTo("positive");
    assertThat(answer.path("taught").asBoolean()).isFalse();
    assertThat(answer.path("score").asDouble()).isBetween(0.5, 0.99);
    assertThat(answer.has("explanation")).isFalse();

    String[] line = {
      "predict", "--labels", "positive,negative", "--text", "a terrible screen", "--explain"
    };
    CommandRun why = run("", with(line, "--json"));
    assertThat(why.exitCode()).as(why.err()).isEqualTo(ExitCodes.OK);
    JsonNode words = json(why).get(0).path("explanation");
    assertThat(words.findValuesAsText("words"))
        .containsExactlyInAnyOrder("a", "terrible", "screen")
        .startsWith("terrible");
    assertThat(words.get(0).path("effect").asDouble()).isBetween(0.05, 1.0);
    assertThat(run("", line).out()).contains("\n    terrible +0.");

    assertThat(run("", "predict", "--labels", "yes", "--text", "a").err())
        .contains("--labels: CLASSIFICATION needs 2 to 1024 labels");
    assertThat(run("", "predict", "--labels", "a,b", "--task", "c", "--text", "d").err())
        .contains("--labels stands instead of --task");
  }

  @Test
  @DisplayName("a task that would have to write is refused with a model that can")
  void writing() throws IOException {
    Path definitions = folder.resolve("summaries.yaml");
    Files.writeString(definitions, "- taskId: summary\n  kind: GENERATION\n");
    CommandRun run =
        run(
            "",
            "predict",
            "--definitions",
            definitions.toString(),
            "--task",
            "summary",
            "--text",
            "a long story");
    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.err())
        .contains("task 'summary' cannot be served: it is of kind GENERATION")
        .contains("starter-t5-mini, writes text");
  }

  @Test
  @DisplayName("WINDOWS reads the whole of a text that is too long, and cuts nothing")
  void windows() throws IOException {
    Path definitions = folder.resolve("windows.yaml");
    Files.writeString(
        definitions,
        """
        - {taskId: cut, labels: [sports, cooking]}
        - {taskId: whole, labels: [sports, cooking], overLength: WINDOWS}
        """);
    String text =
        "The goalkeeper saved a penalty in the last minute of the football match. ".repeat(40)
            + "Fry the onions in butter, then add flour, milk and a pinch of salt. ".repeat(200);
    String row = new ObjectMapper().writeValueAsString(java.util.Map.of("text", text));
    Path file = folder.resolve("long.jsonl");
    Files.writeString(file, row + "\n");
    JsonNode cut = answer(definitions, "cut", file);
    JsonNode whole = answer(definitions, "whole", file);
    assertThat(cut.path("label").asText()).isEqualTo("sports");
    assertThat(cut.path("truncated").asBoolean()).isTrue();
    assertThat(whole.path("label").asText()).isEqualTo("cooking");
    assertThat(whole.path("truncated").asBoolean()).isFalse();
  }

  private static JsonNode answer(Path definitions, String task, Path file) throws IOException {
    CommandRun run =
        run(
            "",
            "predict",
            "--definitions",
            definitions.toString(),
            "--task",
            task,
            "--json",
            file.toString());
    assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCodes.OK);
    return json(run).get(0);
  }

  @Test
  @DisplayName(
      "train makes adapters for the encoder, says what it leaves out, and refuses the rest")
  void train() throws IOException {
    Path tasks = Files.createDirectories(folder.resolve("tasks"));
    Path weather = Files.createDirectories(tasks.resolve("weather"));
    StringBuilder rows = new StringBuilder();
    for (String frame : List.of("there is %s here", "I saw some %s today", "%s again")) {
      for (String word : List.of("sun", "warmth", "rain", "drizzle")) {
        String label = word.equals("sun") || word.equals("warmth") ? "sunny" : "rainy";
        rows.append(frame.formatted(word)).append('\t').append(label).append('\n');
      }
    }
    for (String split : List.of("train", "validation")) {
      Files.writeString(weather.resolve(split + ".tsv"), rows);
    }
    Path number = Files.createDirectories(tasks.resolve("number"));
    Files.writeString(number.resolve("task.json"), "{\"kind\": \"regression\"}");
    Files.writeString(number.resolve("train.tsv"), "one\t1\ntwo\t2\n");

    Path out = folder.resolve("trained");
    String[] line = {
      "train", "--data", tasks.toString(), "--backbone", "bge-small", "-o", out.toString()
    };
    CommandRun trained = run("", with(line, "--steps", "3", "--first-layer", "9", "--json"));
    assertThat(trained.exitCode()).as(trained.err()).isEqualTo(ExitCodes.OK);
    assertThat(trained.err())
        .contains("number is left out: its kind is REGRESSION")
        .contains("hyperformer++ on weather (12 rows): 3 steps");
    JsonNode summary = json(trained).get(0);
    assertThat(summary.path("validation").path("weather").path("accuracy").asDouble())
        .isGreaterThan(0.8); // what the encoder knows is not lost
    assertThat(
            new ObjectMapper()
                .readTree(out.resolve("model/hypernetwork/adapter_config.json").toFile())
                .path("first_layer")
                .asInt())
        .isEqualTo(9);
    assertThat(
            run("", "model", "import", summary.path("model").asText(), "--name", "mine").exitCode())
        .isEqualTo(ExitCodes.OK);
    CommandRun answer =
        run("", "predict", "--model", "mine", "-t", "weather", "--text", "rain again", "--json");
    assertThat(json(answer).get(0).path("label").asText()).as(answer.err()).isEqualTo("rainy");

    String[] elsewhere = line.clone();
    elsewhere[6] = folder.resolve("refused").toString();
    for (String[] refused :
        new String[][] {
          {"of an encoder only adapters are trained", "--preset", "finetune"},
          {"--train adapters,layer-norms: of an encoder", "--train", "adapters,layer-norms"},
          {"an encoder learns one task per batch", "--mixed"},
          {"none of the tasks can be taught to an encoder", "--tasks", "number"},
          {"--init random makes a T5", "--init", "random"},
          {"--first-layer must be 0 to 11; got 12", "--first-layer", "12"},
        }) {
      String[] more = java.util.Arrays.copyOfRange(refused, 1, refused.length);
      CommandRun run = run("", with(elsewhere, more));
      assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCodes.USAGE);
      assertThat(run.err()).contains(refused[0]).doesNotContain("\tat ");
    }
  }

  private static String[] with(String[] line, String... more) {
    List<String> all = new ArrayList<>(List.of(line));
    all.addAll(List.of(more));
    return all.toArray(new String[0]);
  }
}
