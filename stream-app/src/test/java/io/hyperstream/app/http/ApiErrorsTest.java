package io.hyperstream.app.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.app.http.HttpProbe.Answer;
import io.micronaut.context.ApplicationContext;
import io.micronaut.runtime.server.EmbeddedServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The HTTP API, with nothing behind it")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ApiErrorsTest {
  private EmbeddedServer server;
  private HttpProbe http;

  @BeforeAll
  void start() {
    server =
        ApplicationContext.run(
            EmbeddedServer.class,
            Map.of(
                "hyperstream.http.port", -1,
                "hyperstream.http.max-streams", 2,
                "hyperstream.http.max-body-bytes", 20_000,
                "hyperstream.kafka.bootstrap-servers", "127.0.0.1:1"));
    http = new HttpProbe(server.getPort());
  }

  @AfterAll
  void stop() {
    server.close();
  }

  private static void assertProblem(Answer answer, int status, String path, String detail)
      throws Exception {
    assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
    assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
    JsonNode problem = answer.json();
    assertThat(problem.path("type").asText()).isEqualTo("about:blank");
    assertThat(problem.path("title").asText()).isNotBlank();
    assertThat(problem.path("status").asInt()).isEqualTo(status);
    assertThat(problem.path("instance").asText()).isEqualTo(path);
    assertThat(problem.path("detail").asText()).contains(detail);
    assertThat(answer.response().body())
        .doesNotContain("Exception")
        .doesNotContain("io.hyper")
        .doesNotContain("Input")
        .doesNotContain("VALUE_")
        .doesNotContain("START_")
        .doesNotContain("eserializ");
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "/api/tasks",
        "/api/tasks/anything",
        "/api/tasks/anything/versions",
        "/api/tasks/anything/reports",
        "/api/reports",
        "/api/dead-letters",
        "/api/embeddings",
        "/api/model"
      })
  @DisplayName("says that it cannot tell yet")
  void notYet(String path) throws Exception {
    Answer answer = http.get(path);
    assertProblem(answer, 503, path, "");
    assertThat(answer.json().path("detail").asText()).isNotBlank();
    assertThat(answer.header("Retry-After")).isEqualTo("1");
  }

  @Test
  @DisplayName("has no answers before inference runs")
  void noAnswers() throws Exception {
    assertProblem(
        http.post("/api/predict", "{\"taskId\":\"t\",\"text\":\"hello\"}"),
        503,
        "/api/predict",
        "inference is not running yet");
  }

  @Test
  @DisplayName("says that another process must be asked where this one does not answer requests")
  void otherRole() throws Exception {
    Map<String, Object> properties =
        Map.of(
            "hyperstream.http.port", -1,
            "hyperstream.roles", "adaptation",
            "hyperstream.kafka.bootstrap-servers", "127.0.0.1:1");
    try (EmbeddedServer other = ApplicationContext.run(EmbeddedServer.class, properties)) {
      HttpProbe there = new HttpProbe(other.getPort());
      String body = "{\"taskId\":\"t\",\"text\":\"hello\"}";
      assertProblem(there.post("/api/predict", body), 503, "/api/predict", "has no inference role");
      assertProblem(there.get("/api/embeddings"), 503, "/api/embeddings", "has no inference role");
    }
  }

  @ParameterizedTest(name = "{0} {1}")
  @CsvSource({
    "GET, /api/nothing, 404, there is nothing at this path",
    "GET, /nothing, 404, there is nothing at this path",
    "GET, /dashboard/../application.yml, 404, ''",
    "GET, /dashboard/nothing.js, 404, there is no such file",
    "GET, /api/docs/nothing.css, 404, there is no such file",
    "DELETE, /api/predict, 405, ''",
    "GET, /api/predict, 405, ''",
    "GET, /api/tasks?limit=0, 400, limit",
    "GET, /api/tasks?limits=5, 400, limits: there is no such parameter; did you mean limit?",
    "GET, /api/session?x=1, 400, x: there is no such parameter; none is taken here",
    "GET, /api/stream/predictions?tasks=t, 400, did you mean task?",
    "GET, /api/dead-letters?code=EMPTY_TXT, 400, did you mean EMPTY_TEXT?",
    "GET, /api/tasks?limit=many, 400, 'limit: expected a whole number, got the text ''many'''",
    "GET, /api/tasks?limit=1.5, 400, 'limit: expected a whole number, got the text ''1.5'''",
    "GET, /api/tasks?limit=99999999999, 400, 'limit: expected a whole number, got the text ''99999999999'''",
    "GET, /api/dead-letters?limit=1001, 400, limit"
  })
  @DisplayName("answers what is not there, or not so, with a problem")
  void unknown(String method, String path, int status, String detail) throws Exception {
    Answer answer = http.send(method, path, "");
    assertProblem(answer, status, answer.response().uri().getPath(), detail);
  }

  @ParameterizedTest(name = "{0} {2}")
  @CsvSource(
      delimiter = '|',
      value = {
        "/api/tasks | {broken | ",
        "/api/tasks | [] | ",
        "/api/tasks | {\"taskId\":\"a b\",\"labels\":[]} | taskId",
        "/api/tasks | {\"labels\":[{\"name\":\"a\"},{\"name\":\"b\"}]} | taskId",
        "/api/tasks | {\"taskId\":\"t\",\"labels\":[{\"name\":\" \"}]} | labels[0].name",
        "/api/tasks | {\"taskId\":\"t\",\"labels\":[{\"name\":\"a\",\"description\":\"LONG\"}]} | labels[0].description",
        "/api/tasks | {\"taskId\":\"t\",\"kind\":\"POETRY\"} | ",
        "/api/tasks | {\"taskId\":\"t\",\"overLength\":\"FOLD\"} | ",
        "/api/tasks | {\"taskId\":\"t\",\"adaptation\":{\"heldOutFraction\":0.7}} | adaptation.heldOutFraction",
        "/api/predict | {\"taskId\":\"t\"} | text",
        "/api/predict | {\"text\":\"hello\"} | taskId",
        "/api/predict | {\"text\":\"hello\",\"taskIds\":[\"a\"],\"explain\":true} | explain",
        "/api/predict | {\"text\":\"hello\",\"taskIds\":[]} | taskIds",
        "/api/predict | {\"text\":\"hello\",\"taskId\":\"a\",\"taskIds\":[\"b\"]} | taskId",
        "/api/tasks/t/commands | {} | action",
        "/api/tasks/t/commands | {\"action\":\"DANCE\"} | ",
        "/api/tasks/t/commands | {\"action\":\"ROLLBACK\",\"version\":0} | version",
        "/api/tasks/t/commands | {\"action\":\"FORGET\"} | text",
        "/api/tasks/t/commands | {\"action\":\"FORGET\",\"text\":null} | text",
        "/api/tasks/t/commands | {\"action\":\"FORGET\",\"all\":false} | text",
        "/api/tasks/t/commands | {\"action\":\"FORGET\",\"text\":\"a\",\"all\":true} | all",
        "/api/tasks/t/commands | {\"action\":\"RESET\",\"all\":true} | all",
        "/api/tasks/t/commands | {\"action\":\"UNKNOWN\"} | action",
        "/api/tasks | {\"taskId\":\".\",\"labels\":[{\"name\":\"a\"},{\"name\":\"b\"}]} | taskId",
        "/api/tasks | {\"taskId\":\"..\",\"labels\":[{\"name\":\"a\"},{\"name\":\"b\"}]} | taskId",
        "/api/tasks | {\"taskId\":\"t\",\"labels\":[{\"name\":\"a\\tb\"},{\"name\":\"b\"}]} | labels",
        "/api/tasks | {\"taskId\":\"t\",\"kind\":\"UNKNOWN\"} | kind",
        "/api/tasks/t/examples | {\"items\":[]} | items",
        "/api/tasks/t/examples | {\"items\":[{\"text\":\"a\",\"source\":\"SOURCE\"}]} | items[0].source"
      })
  @DisplayName("names the field that is wrong")
  void invalid(String path, String body, String field) throws Exception {
    Answer answer =
        http.post(path, body.replace("SOURCE", "s".repeat(300)).replace("LONG", "l".repeat(513)));
    assertProblem(answer, 400, path, "");
    assertThat(answer.json().path("detail").asText()).isNotBlank();
    if (field != null) {
      assertThat(answer.json().path("errors").get(0).path("field").asText()).isEqualTo(field);
      assertThat(answer.json().path("errors").get(0).path("message").asText()).isNotBlank();
    }
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @CsvSource(
      delimiter = '|',
      value = {
        "POST | /api/tasks | {'taskId':'t','overlength':'REJECT'} | overlength | did you mean overLength?",
        "PUT | /api/tasks/t | {'labels':[{'name':'a','verbaliser':'b'}]} | labels[0].verbaliser | did you mean verbalizer?",
        "PUT | /api/tasks/t | {'adaptation':{'method':'AUTO','speed':1}} | adaptation.speed | triggerExamples",
        "PATCH | /api/tasks/t | {'abstainbelow':0.5} | abstainbelow | did you mean abstainBelow?",
        "PATCH | /api/tasks/t | {'initfrom':['x']} | initfrom | did you mean initFrom?",
        "PATCH | /api/tasks/t | {'initfrom':null} | initfrom | did you mean initFrom?",
        "PATCH | /api/tasks/t | {'labels':[{'name':'a','verbaliser':'b'}]} | labels[0].verbaliser | did you mean verbalizer?",
        "POST | /api/predict | {'taskid':'t','text':'a'} | taskid | did you mean taskId",
        "POST | /api/tasks/t/examples | {'text':'a','lable':'b'} | lable | did you mean label?",
        "POST | /api/tasks/t/examples | {'items':[{'text':'a'},{'text':'a','lable':'b'}]} | items[1].lable | did you mean label?",
        "POST | /api/tasks/t/commands | {'action':'ADAPT','foo':1} | foo | action, "
      })
  @DisplayName("refuses fields that do not exist, by their place, with those that are near")
  void unknownFields(String method, String path, String body, String field, String hint)
      throws Exception {
    Answer answer =
        http.with("Content-Type", "application/json").send(method, path, body.replace('\'', '"'));
    assertProblem(answer, 400, path, field + ": there is no such field");
    assertThat(answer.json().path("detail").asText()).contains(hint);
    assertThat(answer.json().at("/errors/0/field").asText()).isEqualTo(field);
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "PUT | /api/tasks/t | {'adaptation':{'enabled':'yes'}} | adaptation.enabled | expected true or false, got the text 'yes'",
        "PUT | /api/tasks/t | {'adaptation':{'enabled':'true'}} | adaptation.enabled | got the text 'true'",
        "PUT | /api/tasks/t | {'adaptation':{'enabled':1}} | adaptation.enabled | expected true or false, got 1",
        "PUT | /api/tasks/t | {'adaptation':{'enabled':[true]}} | adaptation.enabled | expected true or false, got a list",
        "PATCH | /api/tasks/t | {'adaptation':{'enabled':'yes'}} | adaptation.enabled | expected true or false, got the text 'yes'",
        "PUT | /api/tasks/t | {'adaptation':{'triggerExamples':3.7}} | adaptation.triggerExamples | expected a whole number, got 3.7",
        "PUT | /api/tasks/t | {'adaptation':{'triggerExamples':'3'}} | adaptation.triggerExamples | expected a whole number, got the text '3'",
        "PUT | /api/tasks/t | {'adaptation':{'triggerExamples':''}} | adaptation.triggerExamples | expected a whole number, got the text ''",
        "PUT | /api/tasks/t | {'adaptation':{'triggerExamples':true}} | adaptation.triggerExamples | expected a whole number, got true",
        "PUT | /api/tasks/t | {'adaptation':{'triggerExamples':[3]}} | adaptation.triggerExamples | expected a whole number, got a list",
        "PUT | /api/tasks/t | {'adaptation':{'triggerExamples':99999999999}} | adaptation.triggerExamples | got 99999999999, which is too large",
        "PATCH | /api/tasks/t | {'adaptation':{'triggerExamples':99999999999}} | adaptation.triggerExamples | got 99999999999, which is too large",
        "PUT | /api/tasks/t | {'adaptation':{'heldOutFraction':'0.1'}} | adaptation.heldOutFraction | expected a number, got the text '0.1'",
        "PUT | /api/tasks/t | {'adaptation':[]} | adaptation | expected an object, got a list",
        "PUT | /api/tasks/t | {'adaptation':''} | adaptation | expected an object, got the text ''",
        "PUT | /api/tasks/t | {'labels':{'name':'a'}} | labels | expected a list, got an object",
        "PUT | /api/tasks/t | {'labels':'a'} | labels | expected a list, got the text 'a'",
        "PUT | /api/tasks/t | {'labels':''} | labels | expected a list, got the text ''",
        "PUT | /api/tasks/t | {'labels':['a']} | labels[0] | expected an object, got the text 'a'",
        "PUT | /api/tasks/t | {'labels':[{'name':1}]} | labels[0].name | expected a text, got 1",
        "PUT | /api/tasks/t | {'labels':[{'name':'a'},{'name':true}]} | labels[1].name | expected a text, got true",
        "PATCH | /api/tasks/t | {'labels':[{'name':1}]} | labels[0].name | expected a text, got 1",
        "PUT | /api/tasks/t | {'initFrom':'x'} | initFrom | expected a list, got the text 'x'",
        "PUT | /api/tasks/t | {'initFrom':[1]} | initFrom[0] | expected a text, got 1",
        "PUT | /api/tasks/t | {'kind':0} | kind | expected CLASSIFICATION, REGRESSION or GENERATION, got 0",
        "PUT | /api/tasks/t | {'kind':'0'} | kind | expected CLASSIFICATION, REGRESSION or GENERATION, got the text '0'",
        "PUT | /api/tasks/t | {'overLength':'FOLD'} | overLength | expected TRUNCATE, REJECT or WINDOWS, got the text 'FOLD'",
        "POST | /api/predict | {'taskId':'t','text':123} | text | expected a text, got 123",
        "POST | /api/predict | {'taskId':'t','text':['a']} | text | expected a text, got a list",
        "POST | /api/predict | {'taskId':['x'],'text':'a'} | taskId | expected a text, got a list",
        "POST | /api/predict | {'taskIds':'x','text':'a'} | taskIds | expected a list, got the text 'x'",
        "POST | /api/tasks/t/examples | {'text':123,'label':'a'} | text | expected a text, got 123",
        "POST | /api/tasks/t/examples | {'items':[{'text':'a','label':false}]} | items[0].label | expected a text, got false",
        "POST | /api/tasks/t/examples | {'items':{'text':'a'}} | items | expected a list, got an object",
        "POST | /api/tasks/t/commands | {'action':'ROLLBACK','version':1.9} | version | expected a whole number, got 1.9",
        "POST | /api/tasks/t/commands | {'action':'ROLLBACK','version':'1'} | version | expected a whole number, got the text '1'",
        "POST | /api/tasks/t/commands | {'action':'DANCE'} | action | expected ADAPT, ROLLBACK, FREEZE, UNFREEZE, RESET, EVALUATE, FORGET, PROMOTE, PIN or UNPIN, got the text 'DANCE'",
        "POST | /api/tasks/t/commands | {'action':3} | action | got 3"
      })
  @DisplayName(
      "takes no value for one of another type: names the field, what was expected, what came")
  void otherTypes(String method, String path, String body, String field, String message)
      throws Exception {
    Answer answer =
        http.with("Content-Type", "application/json").send(method, path, body.replace('\'', '"'));
    assertProblem(answer, 400, path, field + ": ");
    assertThat(answer.json().at("/errors/0/field").asText()).isEqualTo(field);
    assertThat(answer.json().at("/errors/0/message").asText()).contains(message);
    assertThat(answer.json().at("/detail").asText()).doesNotContain("UNKNOWN");
  }

  @ParameterizedTest(name = "{0} {1}")
  @CsvSource({
    "POST, /api/tasks",
    "PUT, /api/tasks/t",
    "PATCH, /api/tasks/t",
    "POST, /api/predict",
    "POST, /api/tasks/t/examples",
    "POST, /api/tasks/t/commands"
  })
  @DisplayName("takes one JSON object and nothing else")
  void bodies(String method, String path) throws Exception {
    Map<String, String> wrong = new LinkedHashMap<>();
    wrong.put("{} {}", "something follows the first value");
    wrong.put("{} garbage", "it is not JSON");
    wrong.put("{}]", "it is not JSON");
    wrong.put("", "expected an object, got nothing");
    wrong.put(" \n", "expected an object, got nothing");
    wrong.put("null", "expected an object, got null");
    wrong.put("[{}]", "expected an object, got a list");
    wrong.put("\"a\"", "expected an object, got the text 'a'");
    wrong.put("{\"text\":\"a\",\"text\":\"b\"}", "the field 'text' is there twice");
    wrong.put("{\"text\":", "it is not JSON: it ends too early");
    wrong.put("{\"text\":" + "[".repeat(2000), "");
    HttpProbe json = http.with("Content-Type", "application/json");
    for (Map.Entry<String, String> body : wrong.entrySet()) {
      assertProblem(json.send(method, path, body.getKey()), 400, path, body.getValue());
    }
    byte[] latin = "{\"text\":\"\u00e9a\"}".getBytes(StandardCharsets.ISO_8859_1);
    assertProblem(json.send(method, path, latin), 400, path, "it is not UTF-8");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "{broken | ''",
        "null | ''",
        "[] | expected an object",
        "\"a\" | expected an object"
      })
  @DisplayName("changes definitions by objects only")
  void patches(String body, String detail) throws Exception {
    assertProblem(http.patch("/api/tasks/t", body), 400, "/api/tasks/t", detail);
  }

  @Test
  @DisplayName("takes merge patches by their media type too, where there is something to patch")
  void mergePatchType() throws Exception {
    HttpProbe merging = http.with("Content-Type", "application/merge-patch+json");
    assertProblem(merging.send("PATCH", "/api/tasks/t", "{}"), 503, "/api/tasks/t", "");
    assertProblem(merging.send("PUT", "/api/tasks/t", "{}"), 415, "/api/tasks/t", "");
    assertProblem(
        http.with("Content-Type", "text/plain").send("PATCH", "/api/tasks/t", "{}"),
        415,
        "/api/tasks/t",
        "application/json");
    assertProblem(
        http.with("Sec-Fetch-Site", "cross-site").patch("/api/tasks/t", "{}"),
        403,
        "/api/tasks/t",
        "another site");
  }

  @Test
  @DisplayName("refuses a body that is too large, before reading it")
  void tooLarge() throws Exception {
    String body = "{\"taskId\":\"t\",\"text\":\"" + "w".repeat(30_000) + "\"}";
    assertProblem(http.post("/api/predict", body), 413, "/api/predict", "max-body-bytes");
  }

  @Test
  @DisplayName("takes JSON only, and nothing from pages of other sites")
  void forgery() throws Exception {
    String body = "{\"taskId\":\"t\",\"text\":\"hello\"}";
    for (String type : new String[] {"text/plain", "application/x-www-form-urlencoded"}) {
      assertProblem(
          http.with("Content-Type", type).send("POST", "/api/predict", body),
          415,
          "/api/predict",
          "application/json");
    }
    for (String site : new String[] {"cross-site", "same-site"}) {
      assertProblem(
          http.with("Sec-Fetch-Site", site).post("/api/predict", body),
          403,
          "/api/predict",
          "another site");
    }
    assertProblem(
        http.with("Origin", "http://evil.example").send("DELETE", "/api/tasks/t", ""),
        403,
        "/api/tasks/t",
        "another site");
    String own = "http://127.0.0.1:" + server.getPort();
    assertThat(
            http.with("Origin", own, "Sec-Fetch-Site", "same-origin")
                .post("/api/predict", body)
                .status())
        .isEqualTo(503); // past the guard
    assertThat(http.with("Sec-Fetch-Site", "cross-site").get("/api/session").status())
        .isEqualTo(200); // unreadable for the other site
  }

  @Test
  @DisplayName("answers to this machine's names only, whatever names others point at it")
  void rebinding() throws Exception {
    assertThat(http.statusLine("/api/session", "evil.example:80")).contains("403");
    assertThat(http.statusLine("/dashboard/", "evil.example")).contains("403");
    assertThat(http.statusLine("/api/session", "127.0.0.1.evil.example")).contains("403");
    assertThat(http.statusLine("/api/session", "localhost:" + server.getPort())).contains("200");
    assertThat(http.statusLine("/api/session", "[::1]:80")).contains("200");
    assertThat(http.statusLine("/health/liveness", "some-pod")).doesNotContain("403");
    assertThat(http.statusLine("/prometheus", "app:8080")).contains("200");
  }

  @Test
  @DisplayName("tells browsers what its pages may do")
  void headers() throws Exception {
    for (String path : new String[] {"/api/session", "/api/nothing", "/health"}) {
      Answer answer = http.get(path);
      assertThat(answer.header("Content-Security-Policy"))
          .contains("default-src 'self'")
          .contains("frame-ancestors 'none'");
      assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
      assertThat(answer.header("Referrer-Policy")).isEqualTo("no-referrer");
    }
  }

  @Test
  @DisplayName("needs no key on this machine, and says so")
  void session() throws Exception {
    JsonNode session = http.get("/api/session").json();
    assertThat(session.path("required").asBoolean()).isFalse();
    assertThat(session.path("authenticated").asBoolean()).isFalse();
    assertThat(session.path("roles").toString())
        .contains("read")
        .contains("predict")
        .contains("teach")
        .contains("admin");
  }

  @Test
  @DisplayName("describes itself, with a viewer that loads nothing from elsewhere")
  void description() throws Exception {
    Answer yaml = http.get("/api/openapi.yml");
    assertThat(yaml.status()).isEqualTo(200);
    assertThat(yaml.response().body())
        .contains("/api/tasks/{taskId}/examples")
        .contains("/api/stream/predictions")
        .contains("/api/embeddings")
        .contains("application/merge-patch+json")
        .containsPattern("512\\s+for\\W+the\\W+default")
        .contains("X-API-Key")
        .doesNotContain("/dashboard");
    Answer again = http.with("If-None-Match", yaml.header("ETag")).get("/api/openapi.yml");
    assertThat(again.status()).isEqualTo(304);
    assertThat(http.get("/api/docs").header("Location")).isEqualTo("docs/");
    Answer page = http.get("/api/docs/");
    assertThat(page.response().body()).contains("swagger-ui-bundle.js").doesNotContain("http");
    for (String file : new String[] {"swagger-ui-bundle.js", "swagger-ui.css", "start.js"}) {
      Answer asset = http.get("/api/docs/" + file);
      assertThat(asset.status()).as(file).isEqualTo(200);
      assertThat(asset.header("Cache-Control")).isEqualTo("no-cache");
    }
  }

  @Test
  @DisplayName("opens so many streams and no more; a place is free when its reader is gone")
  void streams() throws Exception {
    try (HttpProbe.Events one = http.events("/api/stream/metrics");
        HttpProbe.Events two = http.events("/api/stream/reports")) {
      assertProblem(
          http.get("/api/stream/reports"), 429, "/api/stream/reports", "streams are open already");
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> one.has("metrics", data -> !data.path("at").asText().isEmpty()));
      assertThat(two.has("metrics", data -> true)).isFalse();
    }
    await()
        .atMost(Duration.ofSeconds(30))
        .ignoreExceptions()
        .until(
            () -> {
              try (HttpProbe.Events three = http.events("/api/stream/metrics")) {
                return !three.ended();
              }
            });
  }
}
