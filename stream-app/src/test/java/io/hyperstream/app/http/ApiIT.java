package io.hyperstream.app.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.app.http.HttpProbe.Answer;
import io.hyperstream.app.http.HttpProbe.Events;
import io.hyperstream.app.inference.AppFixture;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.model.store.StarterModel;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The HTTP API of a whole application")
@ExtendWith(SharedCluster.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ApiIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String DESK =
      """
      {"labels": [{"name": "borrowing", "description": "taking books home"}, {"name": "events"},
                  {"name": "rooms"}],
       "description": "Which desk of the library answers", "overLength": "WINDOWS",
       "adaptation": {"enabled": false, "method": "PROTOTYPES"}}""";

  @TempDir static Path folder;
  private AppFixture app;
  private HttpProbe http;

  @BeforeAll
  void start() throws Exception {
    app = new AppFixture("api", folder);
    app.set("roles", "inference,adaptation");
    app.set("adaptation.application-id", "api-adaptation");
    app.set("http.max-predictions", 8);
    app.start(Optional.empty());
    http = new HttpProbe(app.application().port());
    eventually("the topics read", () -> http.get("/api/tasks").status() == 200);
  }

  @AfterAll
  void stop() throws Exception {
    app.close();
  }

  private static void eventually(String what, java.util.concurrent.Callable<Boolean> holds) {
    await(what).atMost(PATIENCE).pollInterval(Duration.ofMillis(50)).until(holds);
  }

  private static JsonNode body(Answer answer, int status) throws Exception {
    assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
    return answer.json();
  }

  /** Sentences with their labels, the odd ones or the even ones. */
  private static List<String[]> sentences(int which) throws Exception {
    try (InputStream in =
        ApiIT.class.getResourceAsStream("/io/hyperstream/app/adaptation/library-desk.tsv")) {
      List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      return IntStream.range(0, lines.size())
          .filter(i -> i % 2 == which)
          .mapToObj(i -> lines.get(i).split("\t", 2))
          .toList();
    }
  }

  private JsonNode answer(String taskId, String text) throws Exception {
    ObjectNode question = JSON.createObjectNode().put("taskId", taskId).put("text", text);
    return body(http.post("/api/predict", question.toString()), 200).path("predictions").get(0);
  }

  private String command(String taskId, String command) throws Exception {
    return body(http.post("/api/tasks/" + taskId + "/commands", command), 202)
        .path("commandId")
        .asText();
  }

  private static void awaitReport(Events events, String commandId, String outcome) {
    eventually(
        outcome + " of " + commandId + " in " + events.all(),
        () ->
            events.has(
                "report",
                report ->
                    report.path("commandId").asText().equals(commandId)
                        && report.path("outcome").asText().equals(outcome)));
  }

  @Test
  @DisplayName("a task's life: defined, asked, taught, adapted, reset, rolled back, retired")
  void life() throws Exception {
    assertThat(body(http.put("/api/tasks/desk", DESK), 201).path("valid").asBoolean()).isTrue();
    JsonNode defined = body(http.put("/api/tasks/desk", DESK), 200);
    assertThat(defined.path("labels").get(0).path("description").asText())
        .isEqualTo("taking books home");
    assertThat(defined.path("overLength").asText()).isEqualTo("WINDOWS");
    assertThat(defined.path("labels").get(1).path("description").isNull()).isTrue();
    String again = DESK.replaceFirst("\\{", "{\"taskId\": \"desk\", ");
    assertThat(body(http.post("/api/tasks", again), 409).path("detail").asText()).contains("PUT");
    JsonNode before = answer("desk", "Is a room free on Monday?");
    assertThat(before.path("adapterVersion").asLong()).isZero();
    assertThat(before.path("taught").asBoolean(true)).isFalse();
    assertThat(before.path("distribution")).hasSize(3);
    assertThat(before.has("outOfScope")).isFalse();

    try (Events events = http.events("/api/stream/reports")) {
      ArrayNode items = JSON.createArrayNode();
      for (String[] sentence : sentences(0)) {
        items.addObject().put("label", sentence[0]).put("text", sentence[1]);
      }
      ObjectNode examples = JSON.createObjectNode().set("items", items);
      JsonNode accepted = body(http.post("/api/tasks/desk/examples", examples.toString()), 202);
      assertThat(accepted.path("accepted").asInt()).isEqualTo(items.size());

      awaitReport(events, command("desk", "{\"action\":\"ADAPT\"}"), "PROMOTED");
      awaitVersion(events, 1);
      eventually(
          "answered by version 1",
          () -> answer("desk", "Is a room free?").path("adapterVersion").asLong() == 1);
      assertThat(answer("desk", "Is a room free?").path("taught").asBoolean()).isTrue();
      JsonNode task = body(http.get("/api/tasks/desk"), 200);
      assertThat(task.path("servedVersion").path("version").asLong()).isEqualTo(1);
      assertThat(task.path("examples").path("trained").asInt()).isPositive();
      Map<String, Integer> kept = new LinkedHashMap<>();
      task.path("examples")
          .path("labels")
          .properties()
          .forEach(label -> kept.put(label.getKey(), label.getValue().asInt()));
      assertThat(kept.keySet()).containsExactly("borrowing", "events", "rooms");
      for (String label : kept.keySet()) {
        assertThat(kept.get(label))
            .isEqualTo((int) sentences(0).stream().filter(s -> s[0].equals(label)).count());
      }

      awaitReport(events, command("desk", "{\"action\":\"RESET\",\"reason\":\"try\"}"), "RESET");
      awaitVersion(events, 0);
      eventually(
          "the untaught start", () -> !answer("desk", "Is it?").path("taught").asBoolean(true));
      awaitReport(
          events, command("desk", "{\"action\":\"ROLLBACK\",\"version\":1}"), "ROLLED_BACK");
      awaitVersion(events, 2);
      eventually("taught again", () -> answer("desk", "Is it?").path("taught").asBoolean());
      JsonNode pinned = body(http.get("/api/tasks/desk"), 200);
      assertThat(pinned.path("pinnedBy").asText()).isNotEmpty().isNotEqualTo("null");
      assertThat(pinned.path("accuracy").path("version").asLong()).isEqualTo(2);
      assertThat(pinned.path("accuracy").path("of").asLong(-1)).isZero();
      assertThat(pinned.path("accuracy").path("share").isNull()).isTrue();
      assertThat(pinned.path("prequentialExamples").asInt()).isEqualTo(items.size());
      awaitReport(events, command("desk", "{\"action\":\"UNPIN\"}"), "UNPINNED");
      assertThat(body(http.get("/api/tasks/desk"), 200).path("pinnedBy").isNull()).isTrue();
      awaitReport(events, command("desk", "{\"action\":\"PIN\"}"), "PINNED");
    }
    JsonNode versions = body(http.get("/api/tasks/desk/versions"), 200).path("items");
    assertThat(versions.findValuesAsText("version")).containsExactly("2", "1");
    assertThat(versions.findValuesAsText("served")).containsExactly("true", "false");
    JsonNode reports = body(http.get("/api/tasks/desk/reports"), 200).path("items");
    assertThat(reports.findValuesAsText("outcome"))
        .startsWith("PINNED", "UNPINNED", "ROLLED_BACK", "RESET", "PROMOTED");
    assertThat(body(http.get("/api/reports?limit=1"), 200).path("items")).hasSize(1);

    body(http.send("DELETE", "/api/tasks/desk", ""), 202);
    body(http.get("/api/tasks/desk"), 404);
    eventually(
        "retired",
        () ->
            http.post("/api/predict", "{\"text\":\"and now?\",\"taskId\":\"desk\"}").status()
                == 404);
  }

  private static void awaitVersion(Events events, long version) {
    eventually(
        "version " + version,
        () ->
            events.has(
                "version",
                data ->
                    data.path("taskId").asText().equals("desk")
                        && data.path("version").asLong(-1) == version));
  }

  @Test
  @DisplayName("answers for several tasks at once, each with its own answer or its own error")
  void predict() throws Exception {
    String pairs =
        """
        {"labels": [{"name": "yes"}, {"name": "no"}], "template": "a: {text} b: {textPair}"}""";
    body(http.put("/api/tasks/pairs", pairs), 201);
    body(http.put("/api/tasks/free", "{\"kind\": \"GENERATION\"}"), 201);
    String proper = DESK.replaceFirst("\\{", "{\"taskId\": \"asked\", ");
    Answer created = http.post("/api/tasks", proper);
    body(created, 201);
    assertThat(created.header("Location")).isEqualTo("/api/tasks/asked");

    String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    Answer answered =
        http.with("traceparent", trace)
            .post(
                "/api/predict",
                "{\"text\":\"Hello\",\"taskIds\":[\"asked\",\"pairs\",\"free\",\"nobody\"]}");
    JsonNode predictions = body(answered, 207).path("predictions");
    assertThat(answered.header("traceparent")).isEqualTo(trace);
    assertThat(predictions).hasSize(4);
    assertThat(predictions.get(0).path("label").asText()).isIn("borrowing", "events", "rooms");
    assertThat(predictions.get(0).path("modelId").asText()).isEqualTo(app.predictor().modelId());
    assertThat(predictions.get(1).path("error").path("code").asText())
        .isEqualTo("MISSING_TEXT_PAIR");
    assertThat(predictions.get(2).has("text")).isTrue();
    assertThat(predictions.get(3).path("error").path("code").asText()).isEqualTo("UNKNOWN_TASK");
    String many = "\"asked\"" + ",\"asked%d\"".repeat(8).formatted(1, 2, 3, 4, 5, 6, 7, 8);
    Answer tooMany = http.post("/api/predict", "{\"text\":\"a\",\"taskIds\":[" + many + "]}");
    assertThat(body(tooMany, 429).path("detail").asText()).contains("max-predictions");
    Answer empty = http.post("/api/predict", "{\"text\":\" \",\"taskId\":\"asked\"}");
    assertThat(body(empty, 207).at("/predictions/0/error/code").asText()).isEqualTo("EMPTY_TEXT");
    Answer misspelt = http.post("/api/predict", "{\"text\":\"Hello\",\"taskId\":\"askd\"}");
    assertThat(body(misspelt, 404).path("detail").asText())
        .isEqualTo("no task 'askd' is defined; did you mean asked?");
    assertThat(misspelt.header("Content-Type")).startsWith("application/problem+json");
    Answer both =
        http.post("/api/predict", "{\"text\":\"Hello\",\"taskIds\":[\"nobody\",\"pair\"]}");
    assertThat(body(both, 404).at("/errors/1/message").asText()).contains("did you mean pairs?");
  }

  @Test
  @DisplayName("takes a label by its characters, however its accents are written")
  void spellings() throws Exception {
    String cafe = "{\"labels\":[{\"name\":\"caf\u00e9\"},{\"name\":\"the\u0301\"}]}";
    JsonNode defined = body(http.put("/api/tasks/cafe", cafe), 201);
    assertThat(defined.at("/labels/1/name").asText()).isEqualTo("th\u00e9");
    for (String label : List.of("cafe\u0301", "th\u00e9")) {
      String example = "{\"text\":\"a cup\",\"label\":\"" + label + "\"}";
      body(http.post("/api/tasks/cafe/examples", example), 202);
    }
    String twice = "{\"labels\":[{\"name\":\"caf\u00e9\"},{\"name\":\"cafe\u0301\"}]}";
    assertThat(body(http.put("/api/tasks/cafe", twice), 400).path("detail").asText())
        .contains("names the label 'caf\u00e9' twice");
  }

  @Test
  @DisplayName("refuses invalid examples and definitions, naming field and similar ids")
  void refusals() throws Exception {
    body(http.put("/api/tasks/exacting", DESK), 201);
    String path = "/api/tasks/exacting/examples";
    for (String[] wrong :
        new String[][] {
          {"{\"text\":\"hello\",\"label\":\"gardening\"}", "label"},
          {"{\"text\":\"hello\"}", "label"},
          {"{\"text\":\" \",\"label\":\"rooms\"}", "text"},
          {"{\"label\":\"rooms\"}", "text"},
          {"{\"text\":\"a\",\"requestId\":\"b\",\"label\":\"rooms\"}", "text"},
          {"{\"items\":[{\"text\":\"a\",\"label\":\"rooms\"},{\"text\":\"b\"}]}", "items[1].label"}
        }) {
      JsonNode problem = body(http.post(path, wrong[0]), 400);
      assertThat(problem.path("errors").get(0).path("field").asText()).isEqualTo(wrong[1]);
    }
    body(http.post(path, "{\"text\":\"taken back\",\"label\":null}"), 202);
    body(http.put("/api/tasks/writing", "{\"kind\": \"GENERATION\"}"), 201);
    JsonNode never =
        body(http.post("/api/tasks/writing/examples", "{\"text\":\"a\",\"label\":\"b\"}"), 400);
    assertThat(never.path("detail").asText()).contains("only CLASSIFICATION learns");
    body(
        http.put(
            "/api/tasks/coupled",
            "{\"labels\": [{\"name\": \"yes\"}, {\"name\": \"no\"}], \"template\": \"a: {text} b:"
                + " {textPair}\"}"),
        201);
    String alone = "{\"text\":\"a\",\"label\":\"yes\"}";
    assertThat(body(http.post("/api/tasks/coupled/examples", alone), 400).path("detail").asText())
        .contains("needs a pair");
    app.send(app.topics.definitions().name(), "mangled", new byte[] {1, 2, 3});
    app.flush();
    eventually("it is there", () -> http.get("/api/tasks/mangled").status() == 200);
    assertThat(body(http.post("/api/tasks/mangled/examples", alone), 409).path("detail").asText())
        .contains("cannot be served, so it cannot learn");
    body(http.send("DELETE", "/api/tasks/mangled", ""), 202);

    JsonNode unknown = body(http.get("/api/tasks/exactin"), 404);
    assertThat(unknown.path("detail").asText()).contains("did you mean exacting");
    body(http.post("/api/tasks/exactin/commands", "{\"action\":\"ADAPT\"}"), 404);
    body(http.send("DELETE", "/api/tasks/exactin", ""), 404);

    JsonNode one = body(http.put("/api/tasks/one", "{\"labels\":[{\"name\":\"a\"}]}"), 400);
    assertThat(one.path("errors").get(0).path("field").asText()).isEqualTo("labels");
    String windows = "{\"kind\":\"GENERATION\",\"overLength\":\"WINDOWS\"}";
    JsonNode mean = body(http.put("/api/tasks/from", windows), 400);
    assertThat(mean.path("errors").get(0).path("field").asText()).isEqualTo("overLength");
    String from = DESK.replaceFirst("\\{", "{\"initFrom\": [\"no-such-source\"], ");
    JsonNode start = body(http.put("/api/tasks/from", from), 400);
    assertThat(start.path("errors").get(0).path("field").asText()).isEqualTo("initFrom");
    body(http.get("/api/tasks/from"), 404);
  }

  @Test
  @DisplayName("changes the parts of a definition that a patch names, and keeps the rest")
  void patch() throws Exception {
    String path = "/api/tasks/patched";
    String whole = DESK.replaceFirst("\\{", "{\"initFrom\": [\"clinc_work\"], ");
    JsonNode before = body(http.put(path, whole), 201);

    JsonNode described = body(http.patch(path, "{\"description\": \"Who answers?\"}"), 200);
    assertThat(described).isEqualTo(((ObjectNode) before).put("description", "Who answers?"));
    assertThat(body(http.get(path), 200)).isEqualTo(described);
    assertThat(answer("patched", "Is a room free?").path("distribution")).hasSize(3);

    JsonNode labels =
        body(
                http.with("Content-Type", "application/merge-patch+json")
                    .send(
                        "PATCH",
                        path,
                        """
                        {"labels": [{"name": "rooms", "verbalizer": "a room"}, {"name": "lost"},
                                    {"name": "borrowing"}],
                         "overLength": null, "adaptation": {"triggerExamples": 20}}"""),
                200)
            .path("labels");
    assertThat(labels.findValuesAsText("name")).containsExactly("rooms", "lost", "borrowing");
    assertThat(labels.get(2).path("description").asText()).isEqualTo("taking books home");
    JsonNode merged = body(http.get(path), 200);
    assertThat(merged.path("overLength").asText()).isEqualTo("TRUNCATE");
    assertThat(merged.path("adaptation").path("triggerExamples").asInt()).isEqualTo(20);
    assertThat(merged.path("adaptation").path("method").asText()).isEqualTo("PROTOTYPES");
    assertThat(merged.path("initFrom").get(0).asText()).isEqualTo("clinc_work");

    assertThat(body(http.patch(path, "{\"abstainBelow\": 1}"), 200).path("abstainBelow").asDouble())
        .isEqualTo(1);
    eventually("it abstains", () -> answer("patched", "Is a room free?").has("abstained"));
    String why = "{\"taskId\":\"patched\",\"text\":\"Is a room free?\",\"explain\":true}";
    JsonNode explained =
        body(http.post("/api/predict", why), 200).path("predictions").get(0).path("explanation");
    assertThat(explained.findValuesAsText("words"))
        .containsExactlyInAnyOrder("Is", "a", "room", "free");
    for (int i = 1; i < explained.size(); i++) {
      assertThat(explained.get(i).path("effect").asDouble())
          .isBetween(-1.0, explained.get(i - 1).path("effect").asDouble());
    }
    JsonNode none = answer("patched", "Is a room free?");
    assertThat(none.has("explanation")).isFalse();
    assertThat(none.has("label")).isFalse();
    assertThat(none.path("abstained").asText()).startsWith("score 0.").endsWith(" < 1.0");
    assertThat(none.path("margin").floatValue()).isBetween(0f, none.path("score").floatValue());
    assertThat(none.path("distribution")).hasSize(3);
    assertThat(
            body(http.patch(path, "{\"abstainBelow\": null}"), 200).path("abstainBelow").asDouble())
        .isZero();

    String forget =
        """
        {"labels": [{"name": "rooms", "description": "meeting and reading rooms"},
                    {"name": "borrowing", "description": null}], "adaptation": null}""";
    JsonNode forgotten = body(http.patch(path, forget), 200);
    assertThat(forgotten.path("labels").get(0).path("verbalizer").asText()).isEqualTo("a room");
    assertThat(forgotten.path("labels").get(1).path("description").isNull()).isTrue();
    assertThat(forgotten.path("adaptation").isNull()).isTrue();
    assertThat(body(http.patch(path, "{}"), 200)).isEqualTo(forgotten);
  }

  @Test
  @DisplayName("refuses a patch as it would refuse the whole definition, and changes nothing")
  void patchRefused() throws Exception {
    String path = "/api/tasks/firm";
    JsonNode before = body(http.put(path, DESK), 201);
    for (String[] wrong :
        new String[][] {
          {"{\"labels\":[{\"name\":\"one\"}]}", "labels"},
          {"{\"labels\":null}", "labels"},
          {"{\"labels\":[{\"name\":\"a\"},{\"name\":\" \"}]}", "labels[1].name"},
          {"{\"kind\":\"REGRESSION\"}", "overLength"},
          {"{\"kind\":\"REGRESSION\",\"overLength\":\"TRUNCATE\"}", "labels"},
          {"{\"abstainBelow\":1.5}", "abstainBelow"},
          {"{\"template\":\"no place\"}", "template"},
          {"{\"adaptation\":{\"heldOutFraction\":0.7}}", "adaptation.heldOutFraction"},
          {"{\"initFrom\":[\"no-such-source\"]}", "initFrom"},
          {"{\"taskId\":\"other\"}", "taskId"}
        }) {
      JsonNode problem = body(http.patch(path, wrong[0]), 400);
      assertThat(problem.path("errors").get(0).path("field").asText()).isEqualTo(wrong[1]);
    }
    for (String[] wrong :
        new String[][] {
          {"{\"kind\":\"POETRY\"}", "kind: "},
          {"{\"labels\":\"a\"}", "labels"},
          {"[]", "the body: "}
        }) {
      assertThat(body(http.patch(path, wrong[0]), 400).path("detail").asText())
          .startsWith(wrong[1])
          .doesNotContain("io.hyper");
    }
    assertThat(body(http.get(path), 200)).isEqualTo(before);
    assertThat(body(http.patch("/api/tasks/fir", "{}"), 404).path("detail").asText())
        .contains("did you mean firm");

    app.send(app.topics.definitions().name(), "garbled", new byte[] {1, 2, 3});
    app.flush();
    eventually("it is there", () -> http.get("/api/tasks/garbled").status() == 200);
    assertThat(body(http.patch("/api/tasks/garbled", "{}"), 409).path("detail").asText())
        .contains("PUT replaces it");
    body(http.send("DELETE", "/api/tasks/garbled", ""), 202);
  }

  @Test
  @DisplayName("shows the stream's predictions and its dead letters, and the numbers")
  void watching() throws Exception {
    body(http.put("/api/tasks/watched", DESK), 201);
    try (Events predictions = http.events("/api/stream/predictions?task=watched");
        Events metrics = http.events("/api/stream/metrics")) {
      eventually(
          "a prediction with its text",
          () -> {
            app.request("k", AppFixture.request("w1", "watched", "A text to be seen"));
            app.flush();
            return predictions.has(
                "prediction",
                data ->
                    data.path("input").asText().equals("A text to be seen")
                        && !data.path("taught").asBoolean(true));
          });
      eventually(
          "numbers",
          () -> {
            // A rate needs an answer after the first look, which may come later than the first.
            app.request("k", AppFixture.request("w1", "watched", "A text to be seen"));
            app.flush();
            return metrics.has("metrics", m -> m.path("answeredPerSecond").asDouble() > 0);
          });
      assertThat(metrics.has("metrics", m -> m.path("ready").asBoolean())).isTrue();
    }
    app.request("k", AppFixture.request("w2", "no-such-task", "Who answers this?"));
    app.flush();
    String path = "/api/dead-letters?code=UNKNOWN_TASK&task=no-such-task";
    eventually("a dead letter", () -> body(http.get(path), 200).path("items").size() == 1);
    JsonNode letter = body(http.get(path), 200).path("items").get(0);
    assertThat(letter.path("text").asText()).isEqualTo("Who answers this?");
    assertThat(letter.path("sourceTopic").asText()).isEqualTo(app.topics.requests().name());
    assertThat(body(http.get("/api/dead-letters?code=MODEL_ERROR"), 200).path("items")).isEmpty();
  }

  @Test
  @DisplayName("describes the model and lays out its tasks")
  void model() throws Exception {
    body(
        http.put("/api/tasks/pros_cons", "{\"labels\":[{\"name\":\"pros\"},{\"name\":\"cons\"}]}"),
        201);
    JsonNode model = body(http.get("/api/model"), 200);
    assertThat(model.path("modelId").asText()).isEqualTo(app.predictor().modelId());
    assertThat(model.path("name").asText()).isEqualTo("starter-t5-mini");
    assertThat(model.path("backbone").path("parameters").asLong()).isPositive();
    assertThat(model.path("backbone").path("maxSourceTokens").asInt())
        .isEqualTo(StarterModel.MAX_SOURCE_TOKENS);
    assertThat(model.path("roles")).hasSize(2);
    assertThat(model.path("sourceTasks").findValuesAsText("taskId")).contains("pros_cons");
    JsonNode embeddings = body(http.get("/api/embeddings"), 200);
    assertThat(embeddings.path("explained")).hasSize(2);
    boolean found = false;
    for (JsonNode item : embeddings.path("items")) {
      assertThat(item.path("neighbours")).hasSize(5);
      found |=
          item.path("taskId").asText().equals("pros_cons")
              && item.path("source").asBoolean()
              && item.path("defined").asBoolean();
    }
    assertThat(found).isTrue();
  }

  @Test
  @DisplayName("closing ends the streams within a second")
  void closing() throws Exception {
    try (var another =
            app.startAnother(
                java.util.Map.of(
                    "kafka.application-id", "api-another",
                    "roles", "inference",
                    "streams.state-dir", folder.resolve("another").toString()));
        Events events = new HttpProbe(another.port()).events("/api/stream/metrics")) {
      Thread closer = new Thread(another::close);
      closer.start();
      await("the end of the stream").atMost(Duration.ofSeconds(1)).until(events::ended);
      closer.join();
    }
  }
}
