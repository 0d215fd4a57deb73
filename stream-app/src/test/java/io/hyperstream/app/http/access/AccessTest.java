package io.hyperstream.app.http.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.app.HyperstreamApplication;
import io.hyperstream.app.http.HttpProbe;
import io.hyperstream.app.http.HttpProbe.Answer;
import io.micronaut.context.ApplicationContext;
import io.micronaut.runtime.server.EmbeddedServer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("Access to the HTTP API")
class AccessTest {
  private static final String PREDICT = "{\"taskId\":\"t\",\"text\":\"hello\"}";
  private static final String COMMAND = "{\"action\":\"ADAPT\"}";
  private static final String TASK =
      "{\"taskId\":\"t\",\"labels\":[{\"name\":\"a\"},{\"name\":\"b\"}]}";

  private static EmbeddedServer server(Map<String, Object> properties) {
    Map<String, Object> all = new HashMap<>(properties);
    all.put("hyperstream.http.port", -1);
    all.put("hyperstream.kafka.bootstrap-servers", "127.0.0.1:1");
    return ApplicationContext.run(EmbeddedServer.class, all);
  }

  @Test
  @DisplayName("under a context path all is found below it, and no browser is sent away for good")
  void contextPath() throws Exception {
    Map<String, Object> below = Map.of("micronaut.server.context-path", "/hs");
    try (EmbeddedServer server = server(below)) {
      HttpProbe http = new HttpProbe(server.getPort());
      for (String from : List.of("/hs/", "/hs", "/hs/dashboard", "/hs/api/docs")) {
        Answer sent = http.get(from);
        assertStatus(sent, 307);
        URI to = URI.create(from).resolve(sent.header("Location"));
        assertThat(to.getPath())
            .isEqualTo(from.endsWith("docs") ? "/hs/api/docs/" : "/hs/dashboard/");
        assertStatus(http.get(to.getPath()), 200);
      }
      assertThat(http.get("/hs/api/docs/").header("Content-Security-Policy"))
          .contains("unsafe-inline");
      assertThat(http.get("/hs/dashboard/").header("Content-Security-Policy"))
          .doesNotContain("unsafe-inline");
    }
    Map<String, Object> closed = new HashMap<>(below);
    closed.put("hyperstream.http.access", "closed");
    try (EmbeddedServer server = server(closed)) {
      HttpProbe http = new HttpProbe(server.getPort());
      assertStatus(http.get("/hs/prometheus"), 200);
      assertStatus(http.get("/hs/dashboard/"), 404);
    }
  }

  @Test
  @DisplayName("each role may do its part and that of those before it; 503 is past the door")
  void roles() throws Exception {
    Map<Role, String> keys = new HashMap<>();
    List<String> entries = new java.util.ArrayList<>();
    for (Role role : Role.values()) {
      String key = ApiKey.generate();
      keys.put(role, key);
      entries.add(ApiKey.entry("the-" + role.id(), role, key));
    }
    try (EmbeddedServer server = server(Map.of("hyperstream.http.api-keys", entries))) {
      for (Role role : Role.values()) {
        HttpProbe http =
            new HttpProbe(server.getPort(), "Authorization", "Bearer " + keys.get(role));
        assertStatus(http.get("/api/tasks"), 503);
        assertStatus(
            http.post("/api/predict", PREDICT), role.compareTo(Role.PREDICT) < 0 ? 403 : 503);
        assertStatus(
            http.post("/api/tasks/t/commands", COMMAND),
            role.compareTo(Role.TEACH) < 0 ? 403 : 503);
        assertStatus(http.put("/api/tasks/t", TASK), role.compareTo(Role.ADMIN) < 0 ? 403 : 503);
        JsonNode session = http.get("/api/session").json();
        assertThat(session.path("name").asText()).isEqualTo("the-" + role.id());
        assertThat(session.path("authenticated").asBoolean()).isTrue();
        assertThat(session.path("roles")).hasSameSizeAs(role.included());
      }
      HttpProbe byHeader = new HttpProbe(server.getPort(), "X-API-Key", keys.get(Role.ADMIN));
      assertStatus(byHeader.get("/api/tasks"), 503);
    }
  }

  private static void assertStatus(Answer answer, int status) {
    assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
  }

  @Test
  @DisplayName("without a key, or with a wrong one, there are health, metrics and the pages only")
  void strangers() throws Exception {
    Map<String, Object> keys =
        Map.of("hyperstream.http.api-keys", "ann:admin:a-plain-key-of-enough-length");
    try (EmbeddedServer server = server(keys)) {
      HttpProbe nobody = new HttpProbe(server.getPort());
      HttpProbe wrong = nobody.with("Authorization", "Bearer a-plain-key-of-enough-lengtH");
      HttpProbe unsigned = nobody.with("Authorization", "Bearer " + unsigned());
      for (HttpProbe http : List.of(nobody, wrong, unsigned)) {
        for (String path : List.of("/api/tasks", "/api/model", "/api/stream/metrics")) {
          Answer answer = http.get(path);
          assertStatus(answer, 401);
          assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer");
          assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
          assertThat(answer.response().body()).doesNotContain("a-plain-key");
        }
        assertStatus(http.post("/api/predict", PREDICT), 401);
        JsonNode session = http.get("/api/session").json();
        assertThat(session.path("required").asBoolean()).isTrue();
        assertThat(session.path("authenticated").asBoolean()).isFalse();
        assertThat(session.path("roles")).isEmpty();
        assertStatus(http.get("/prometheus"), 200);
        assertStatus(http.get("/api/openapi.yml"), 200);
        assertStatus(http.get("/api/nothing"), 404);
        assertThat(http.get("/health").status()).isIn(200, 503);
      }
      assertStatus(nobody.with("X-API-Key", "a-plain-key-of-enough-length").get("/api/tasks"), 503);
      // Nobody can make a browser send a key, so any name will do.
      assertThat(nobody.statusLine("/api/session", "hyperstream.example")).contains("200");
    }
  }

  @Test
  @DisplayName("a JSON web token of a configured issuer is as good as a key")
  void tokens() throws Exception {
    String secret = "a secret of at least 256 bits, that is 32 characters";
    Map<String, Object> properties =
        Map.of(
            "hyperstream.http.access",
            "authenticated",
            "micronaut.security.token.jwt.enabled",
            true,
            "micronaut.security.token.jwt.signatures.secret.validation.secret",
            secret,
            "micronaut.security.token.jwt.signatures.secret.validation.jws-algorithm",
            "HS256");
    try (EmbeddedServer server = server(properties)) {
      HttpProbe http = new HttpProbe(server.getPort());
      assertStatus(http.get("/api/tasks"), 401);
      String token = token(secret, "{\"sub\":\"ann\",\"roles\":[\"predict\"]}");
      HttpProbe ann = http.with("Authorization", "Bearer " + token);
      assertStatus(ann.get("/api/tasks"), 503);
      assertStatus(ann.post("/api/predict", PREDICT), 503);
      assertStatus(ann.put("/api/tasks/t", TASK), 403);
      String forged = token("another secret that nobody has configured here", "{\"sub\":\"ann\"}");
      assertStatus(http.with("Authorization", "Bearer " + forged).get("/api/tasks"), 401);
      assertStatus(http.with("Authorization", "Bearer " + unsigned()).get("/api/tasks"), 401);
    }
  }

  private static String unsigned() {
    Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
    return base64.encodeToString("{\"alg\":\"none\"}".getBytes(StandardCharsets.UTF_8))
        + "."
        + base64.encodeToString(
            "{\"sub\":\"ann\",\"roles\":[\"admin\"]}".getBytes(StandardCharsets.UTF_8))
        + ".";
  }

  private static String token(String secret, String claims) throws Exception {
    Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
    String content =
        base64.encodeToString("{\"alg\":\"HS256\"}".getBytes(StandardCharsets.UTF_8))
            + "."
            + base64.encodeToString(claims.getBytes(StandardCharsets.UTF_8));
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
    return content
        + "."
        + base64.encodeToString(mac.doFinal(content.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  @DisplayName("unsafe, it does not start, and says what to do")
  void unsafe() {
    assertThatThrownBy(
            () ->
                HyperstreamApplication.start(
                    Map.of("hyperstream.http.host", "0.0.0.0", "hyperstream.http.port", -1)))
        .hasMessageContaining("0.0.0.0")
        .hasMessageContaining("hyperstream api-key")
        .hasMessageContaining("hyperstream.http.access");
    assertThatThrownBy(
            () ->
                HyperstreamApplication.start(
                    Map.of(
                        "micronaut.security.token.jwt.enabled", true, "hyperstream.http.port", -1)))
        .hasMessageContaining("unsigned tokens would be believed");
    for (Map<String, Object> safe :
        List.<Map<String, Object>>of(
            Map.of("hyperstream.http.access", "open"),
            Map.of("hyperstream.http.access", "closed"),
            Map.of("hyperstream.http.access", "authenticated"),
            Map.of("hyperstream.http.api-keys", "ann:read:a-plain-key-of-enough-length"))) {
      Map<String, Object> properties = new HashMap<>(safe);
      properties.put("hyperstream.http.host", "0.0.0.0");
      try (ApplicationContext context = ApplicationContext.run(properties)) {
        context.getBean(AccessPolicy.class).requireSafe();
      }
    }
  }

  @Test
  @DisplayName("closed, it offers health and metrics only")
  void closed() throws Exception {
    try (EmbeddedServer server = server(Map.of("hyperstream.http.access", "closed"))) {
      HttpProbe http = new HttpProbe(server.getPort());
      for (String path : List.of("/", "/dashboard/", "/api/session", "/api/docs/", "/api/tasks")) {
        assertStatus(http.get(path), 404);
      }
      assertStatus(http.post("/api/predict", PREDICT), 404);
      assertStatus(http.get("/prometheus"), 200);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ann",
        "ann:admin",
        "ann:boss:a-plain-key-of-enough-length",
        "ann:admin:short",
        "ann:admin:sha256:abc",
        "a n:admin:a-plain-key-of-enough-length"
      })
  @DisplayName("an entry that cannot be is refused, without saying the key")
  void entries(String entry) {
    assertThatThrownBy(() -> ApiKey.parse(entry))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("hyperstream.http.api-keys")
        .message()
        .doesNotContain("a-plain-key");
  }

  @Test
  @DisplayName("an entry holds the hash of its key, which alone opens")
  void hash() {
    String key = ApiKey.generate();
    String entry = ApiKey.entry("ann", Role.TEACH, key);
    assertThat(entry).startsWith("ann:teach:sha256:").doesNotContain(key);
    ApiKey parsed = ApiKey.parse(entry);
    assertThat(parsed.matches(ApiKey.sha256(key))).isTrue();
    assertThat(parsed.matches(ApiKey.sha256(key + "x"))).isFalse();
    assertThat(ApiKey.generate()).isNotEqualTo(key).hasSize(47);
  }
}
