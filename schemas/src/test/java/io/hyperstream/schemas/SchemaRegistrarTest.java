package io.hyperstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The schema registrar")
class SchemaRegistrarTest {
  private final Topics topics = new Topics(Topics.Settings.defaults());
  private final List<String> calls = new CopyOnWriteArrayList<>();
  private HttpServer server;

  /** Answers a request; the status and the body of an error. */
  private interface Registry {
    Answer answer(String method, String path);
  }

  private record Answer(int status, String body) {}

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private SchemaRegistryClient serve(Registry registry) {
    server.createContext("/", exchange -> handle(exchange, registry));
    return SchemaRegistries.connect("http://127.0.0.1:" + server.getAddress().getPort(), Map.of());
  }

  private void handle(HttpExchange exchange, Registry registry) throws IOException {
    String path = exchange.getRequestURI().getPath();
    calls.add(exchange.getRequestMethod() + " " + path);
    exchange.getRequestBody().readAllBytes();
    Answer answer = registry.answer(exchange.getRequestMethod(), path);
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(answer.status(), body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private static Answer error(int status, int code, String message) {
    return new Answer(status, "{\"error_code\":" + code + ",\"message\":\"" + message + "\"}");
  }

  @Test
  @DisplayName("registers every subject under FULL_TRANSITIVE, and a second time changes nothing")
  void registers() throws Exception {
    SchemaRegistryClient registry = SchemaRegistries.connect("mock://registers", Map.of());
    SchemaRegistrar registrar = new SchemaRegistrar(registry, topics);

    registrar.register(Duration.ZERO);
    registrar.register(Duration.ZERO);

    assertThat(registry.getAllSubjects())
        .containsExactlyInAnyOrderElementsOf(Subjects.of(topics).keySet());
    for (String subject : registry.getAllSubjects()) {
      assertThat(registry.getAllVersions(subject)).as(subject).hasSize(1);
      assertThat(registry.getCompatibility(subject)).as(subject).isEqualTo("FULL_TRANSITIVE");
    }
  }

  @Test
  @DisplayName("only reads a registry that has everything")
  void onlyReads() throws Exception {
    SchemaRegistryClient registry =
        serve(
            (method, path) ->
                path.startsWith("/config/")
                    ? new Answer(200, "{\"compatibilityLevel\":\"FULL_TRANSITIVE\"}")
                    : new Answer(
                        200,
                        "{\"subject\":\"s\",\"version\":1,\"id\":1,\"schema\":\"\\\"int\\\"\"}"));

    new SchemaRegistrar(registry, topics).register(Duration.ZERO);

    assertThat(calls).isNotEmpty().noneMatch(call -> call.startsWith("PUT"));
    assertThat(calls).noneMatch(call -> call.endsWith("/versions"));
  }

  @Test
  @DisplayName("names the subject and the way out when the registry refuses a schema")
  void refused() {
    SchemaRegistryClient registry =
        serve(
            (method, path) -> {
              if (path.startsWith("/config")) {
                return new Answer(200, "{\"compatibilityLevel\":\"FULL_TRANSITIVE\"}");
              }
              return path.endsWith("/versions")
                  ? error(409, 409, "incompatible")
                  : error(404, 40403, "no such schema");
            });

    assertThatThrownBy(() -> new SchemaRegistrar(registry, topics).register(Duration.ofMinutes(1)))
        .isInstanceOf(SchemaRefusedException.class)
        .hasMessageContaining("inference.requests-value")
        .hasMessageContaining("409")
        .hasMessageContaining("FULL_TRANSITIVE")
        .hasMessageContaining("topic prefix");
  }

  @Test
  @DisplayName("does not mind if someone else sets the rule at the same moment")
  void ruleSetMeanwhile() throws Exception {
    List<String> guarded = new CopyOnWriteArrayList<>();
    SchemaRegistryClient registry =
        serve(
            (method, path) -> {
              if (!path.startsWith("/config/")) {
                return new Answer(
                    200, "{\"subject\":\"s\",\"version\":1,\"id\":1,\"schema\":\"\\\"int\\\"\"}");
              }
              if (method.equals("PUT")) {
                guarded.add(path);
                return error(409, 409, "the rule exists already");
              }
              return guarded.contains(path)
                  ? new Answer(200, "{\"compatibilityLevel\":\"FULL_TRANSITIVE\"}")
                  : error(404, 40408, "no rule");
            });

    new SchemaRegistrar(registry, topics).register(Duration.ZERO);

    assertThat(guarded)
        .hasSameSizeAs(topics.all().stream().filter(t -> t.value().isPresent()).toList());
  }

  @Test
  @DisplayName("does not retry what a person has to put right")
  void unauthorised() {
    SchemaRegistryClient registry = serve((method, path) -> error(401, 401, "who are you"));

    assertThatThrownBy(() -> new SchemaRegistrar(registry, topics).register(Duration.ofMinutes(1)))
        .isInstanceOf(SchemaRefusedException.class)
        .hasMessageContaining("credentials");
    assertThat(calls).hasSize(1);
  }

  @Test
  @DisplayName("says so if what answers is no registry")
  void notARegistry() {
    SchemaRegistryClient registry =
        serve((method, path) -> new Answer(502, "<html>Bad gateway</html>"));

    assertThatThrownBy(() -> new SchemaRegistrar(registry, topics).register(Duration.ofMillis(300)))
        .isInstanceOf(RegistryUnavailableException.class)
        .hasMessageContaining("inference.requests-value")
        .hasMessageContaining("HTTP 502 without a registry's error message")
        .hasMessageContaining("check its URL");
  }

  @Test
  @DisplayName("waits for a registry that is not ready yet")
  void waits() throws Exception {
    SchemaRegistryClient registry =
        serve(
            (method, path) -> {
              if (calls.size() <= 2) {
                return error(503, 50301, "starting");
              }
              return path.startsWith("/config/")
                  ? new Answer(200, "{\"compatibilityLevel\":\"FULL_TRANSITIVE\"}")
                  : new Answer(
                      200, "{\"subject\":\"s\",\"version\":1,\"id\":1,\"schema\":\"\\\"int\\\"\"}");
            });

    new SchemaRegistrar(registry, topics).register(Duration.ofMinutes(1));

    assertThat(calls).hasSizeGreaterThan(3);
  }

  @Test
  @DisplayName("gives up on an unreachable registry at its deadline, with what to check")
  void givesUp() {
    SchemaRegistryClient registry = SchemaRegistries.connect("http://127.0.0.1:1", Map.of());

    assertThatThrownBy(() -> new SchemaRegistrar(registry, topics).register(Duration.ofMillis(300)))
        .isInstanceOf(RegistryUnavailableException.class)
        .hasMessageContaining("inference.requests-value")
        .hasMessageContaining("check its URL");
  }

  @Test
  @DisplayName("needs a URL")
  void needsUrl() {
    assertThatThrownBy(() -> SchemaRegistries.connect(" , ", Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("URL");
  }
}
