package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import io.hyperstream.app.HyperstreamApplication;
import io.hyperstream.app.embedded.SecureCluster;
import io.hyperstream.model.store.StarterModel;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

@DisplayName(
    "A cluster that wants TLS, SASL and ACLs, and a registry that wants TLS and a password")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SecurityIT {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final String PREFIX = "team-a.";
  private static final String APP = "team-a-app";
  private static final String INFERENCE = "team-a-inference";
  private static final String ADAPTATION = "team-a-adaptation";
  private static final String CLIENT = "team-a-client";
  private static final String TEACHER = "team-a-teacher";
  private static final String TOKEN_CLIENT = "team-a-token-client";
  private static final String OPERATOR = "team-a-operator";
  private static final String API = "team-a-api";
  private static final String OTHER_PREFIX = "team-b.";
  private static final String OTHER = "team-b-app";
  private static final String OTHER_CLIENT = "team-b-client";
  private static final String OTHER_TEACHER = "team-b-teacher";
  private static final List<String> USERS =
      List.of(
          APP,
          INFERENCE,
          ADAPTATION,
          CLIENT,
          TEACHER,
          OPERATOR,
          API,
          OTHER,
          OTHER_CLIENT,
          OTHER_TEACHER);
  private static final String YAML =
      """
      taskId: desk
      labels: [billing, delivery]
      adaptation: {enabled: false, method: PROTOTYPES, promotionProbability: 0.5}
      """;

  @TempDir static Path folder;
  private final Queue<String> leaks = new ConcurrentLinkedQueue<>();
  private final List<String> secrets = new ArrayList<>();
  private final List<String> said = new ArrayList<>();
  private final Map<String, Path> configs = new HashMap<>();
  private final Map<Logger, Level> levels = new HashMap<>();
  private SecureCluster cluster;
  private SecretWatch watch;
  private int answers;

  /** Looks at everything that is logged, at the finest levels. */
  private final class SecretWatch extends AppenderBase<ILoggingEvent> {
    @Override
    protected void append(ILoggingEvent event) {
      String text = event.getFormattedMessage();
      if (event.getThrowableProxy() != null) {
        text += ThrowableProxyUtil.asString(event.getThrowableProxy());
      }
      look(event.getLoggerName(), text);
    }
  }

  private void look(String where, String text) {
    for (String secret : secrets) {
      if (text.contains(secret)) {
        leaks.add(where + ": " + text.substring(0, Math.min(500, text.length())));
      }
    }
  }

  @BeforeAll
  void start() throws Exception {
    secrets.add(SecureCluster.REGISTRY_PASSWORD);
    secrets.add(SecureCluster.STORE_PASSWORD);
    for (String user : USERS) {
      secrets.add(passwordOf(user));
    }
    watch = new SecretWatch();
    watch.start();
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.addAppender(watch);
    for (String name :
        List.of("io.hyperstream", "io.confluent", "org.apache.kafka.clients", "io.micronaut")) {
      Logger logger = (Logger) LoggerFactory.getLogger(name);
      levels.put(logger, logger.getLevel());
    }
    cluster = new SecureCluster(Files.createDirectories(folder.resolve("cluster")));
    for (String user : USERS) {
      cluster.user(user, passwordOf(user));
      config(user, cluster.scram(user, passwordOf(user)));
    }
    Path token = cluster.tokenFile(TOKEN_CLIENT);
    secrets.add(Files.readString(token));
    config(TOKEN_CLIENT, cluster.token(token));
    allow();
  }

  private static String passwordOf(String user) {
    return "pass-of-" + user + "-8472";
  }

  private void config(String user, Map<String, String> properties) throws Exception {
    String lines =
        properties.entrySet().stream()
            .map(entry -> entry.getKey() + "=" + entry.getValue())
            .collect(Collectors.joining("\n"));
    configs.put(user, Files.writeString(folder.resolve(user + ".properties"), lines));
  }

  /** What the operations guide says, for both tenants; it is tried here. */
  private void allow() throws Exception {
    DocumentedRights rights = DocumentedRights.read();
    for (String user : List.of(APP, INFERENCE, ADAPTATION, CLIENT, TEACHER, OPERATOR, API)) {
      cluster.allow(rights.of(user, user));
    }
    cluster.allow(rights.of(INFERENCE, API));
    cluster.allow(rights.of(CLIENT, TOKEN_CLIENT));
    // The other tenant's guide says "team-b" wherever this one says "team-a".
    DocumentedRights others = rights.forTenant("team-a", "team-b");
    for (String user : List.of(OTHER, OTHER_CLIENT, OTHER_TEACHER)) {
      cluster.allow(others.of(user, user));
    }
  }

  @AfterAll
  void stop() throws Exception {
    levels.forEach(Logger::setLevel);
    ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).detachAppender(watch);
    if (cluster != null) {
      cluster.close();
    }
  }

  private CommandRun as(String user, String input, String... command) {
    return as(PREFIX, user, input, command);
  }

  private CommandRun as(String prefix, String user, String input, String[] command) {
    List<String> arguments = new ArrayList<>(List.of(command));
    arguments.addAll(
        List.of(
            "--bootstrap-servers=" + cluster.bootstrapServers(),
            "--schema-registry-url=" + cluster.registryUrl(),
            "--topic-prefix=" + prefix,
            "--command-config=" + configs.get(user)));
    CommandRun run = CommandRun.withInput(input, arguments.toArray(String[]::new));
    said.add(run.out());
    said.add(run.err());
    return run;
  }

  private Map<String, Object> application(String user, Set<String> roles, boolean createTopics)
      throws Exception {
    ConnectionOptions options = new ConnectionOptions();
    options.commandConfig = configs.get(user);
    Map<String, Object> properties =
        new HashMap<>(
            new ApplicationProperties()
                .cluster(cluster.bootstrapServers(), cluster.registryUrl())
                .clientSettings(options.settings())
                .topicPrefix(user.startsWith("team-b") ? OTHER_PREFIX : PREFIX)
                .roles(roles)
                .modelName(StarterModel.NAME)
                .modelDir(folder.resolve("models").toString())
                .stateDir(folder.resolve("state-" + user))
                .httpPort(-1)
                .toMap());
    properties.put("hyperstream.kafka.create-topics", createTopics);
    properties.put("hyperstream.kafka.start-patience", "20s");
    return properties;
  }

  private HyperstreamApplication start(String user, Set<String> roles, boolean createTopics)
      throws Exception {
    HyperstreamApplication started =
        HyperstreamApplication.start(application(user, roles, createTopics));
    try {
      started.awaitRunning(PATIENCE);
      return started;
    } catch (Exception e) {
      started.close();
      throw e;
    }
  }

  private void awaitAnswer(String client, String text) {
    CommandRun sent = as(client, text + "\n", "produce", "-t", "desk");
    assertThat(sent.exitCode()).as(sent.err()).isZero();
    int expected = ++answers;
    await("an answer")
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              CommandRun read = as(client, "", "consume", "--json");
              assertThat(read.exitCode()).as(read.err()).isZero();
              assertThat(read.out().lines().filter(line -> line.contains("\"desk\"")))
                  .as(as(client, "", "consume", "--dead-letters").out())
                  .hasSizeGreaterThanOrEqualTo(expected);
            });
  }

  private void teach(int round) {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 6; i++) {
      rows.append("the invoice charges me twice, case ")
          .append(round * 10 + i)
          .append("\tbilling\n");
      rows.append("my parcel never came, case ").append(round * 10 + i).append("\tdelivery\n");
    }
    CommandRun labelled = as(TEACHER, rows.toString(), "label", "-t", "desk");
    assertThat(labelled.exitCode()).as(labelled.err()).isZero();
    CommandRun adapted = as(TEACHER, "", "adapt", "-t", "desk", "--wait", "--timeout", "2m");
    assertThat(adapted.exitCode())
        .as(adapted.out() + adapted.err())
        .isIn(ExitCodes.OK, ExitCodes.NOT_PROMOTED);
  }

  @Test
  @Order(1)
  @DisplayName("is served, asked, taught and adapted for by users with what they need and no more")
  void wholeLife() throws Exception {
    try (HyperstreamApplication app = start(APP, Set.of("inference", "adaptation"), true)) {
      Path yaml = Files.writeString(folder.resolve("desk.yaml"), YAML);
      CommandRun created = as(TEACHER, "", "tasks", "create", "-f", yaml.toString());
      assertThat(created.exitCode()).as(created.err()).isZero();
      awaitAnswer(CLIENT, "where is my parcel?");
      teach(0);
      awaitAnswer(CLIENT, "an invoice too many");
      for (String path : List.of("/prometheus", "/health", "/health/readiness")) {
        HttpResponse<String> answer =
            HttpClient.newHttpClient()
                .send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + app.port() + path))
                        .build(),
                    HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(200);
        said.add(answer.body());
      }
    }
  }

  @Test
  @Order(2)
  @DisplayName("lets each role run under a user of its own")
  void rolesApart() throws Exception {
    try (HyperstreamApplication inference = start(INFERENCE, Set.of("inference"), false);
        HyperstreamApplication adaptation = start(ADAPTATION, Set.of("adaptation"), false)) {
      assertThat(inference.port()).isNotEqualTo(adaptation.port());
      awaitAnswer(CLIENT, "the box is damaged");
      teach(1);
    }
  }

  @Test
  @Order(3)
  @DisplayName("takes a token instead of a password")
  void token() throws Exception {
    try (HyperstreamApplication app = start(INFERENCE, Set.of("inference"), false)) {
      assertThat(app.port()).isPositive();
      awaitAnswer(TOKEN_CLIENT, "who signs for it?");
    }
  }

  @Test
  @Order(4)
  @DisplayName("refuses everybody else, and says so without a word of the secrets")
  void refusals() throws Exception {
    CommandRun labels = as(CLIENT, "x\tbilling\n", "label", "-t", "desk");
    assertThat(labels.exitCode()).isEqualTo(ExitCodes.FAILURE);
    CommandRun tenant = as(OTHER, "", "consume");
    assertThat(tenant.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(tenant.err()).contains("has no topic " + PREFIX + "inference.predictions");
    CommandRun asking = as(TEACHER, "x\n", "produce", "-t", "desk");
    assertThat(asking.exitCode()).isEqualTo(ExitCodes.FAILURE);

    String wrong = "wrong-pass-of-nobody-8472";
    secrets.add(wrong);
    config("wrong", cluster.scram(CLIENT, wrong));
    assertThat(as("wrong", "", "consume").err()).contains("Kafka refused the credentials");
    assertThatThrownBy(() -> start("wrong", Set.of("inference"), false))
        .satisfies(failure -> said.add(stackTrace(failure)))
        .hasMessageContaining("check the bootstrap servers, the credentials");

    Map<String, String> registry = new HashMap<>(cluster.scram(CLIENT, passwordOf(CLIENT)));
    registry.put("basic.auth.user.info", "registry-user:" + wrong);
    config("wrong-registry", registry);
    CommandRun refused = as("wrong-registry", "x\n", "produce", "-t", "desk");
    assertThat(refused.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(refused.err()).contains("schema registry");

    Map<String, String> untrusting = new HashMap<>(cluster.scram(CLIENT, passwordOf(CLIENT)));
    untrusting.keySet().removeIf(name -> name.startsWith("ssl."));
    config("untrusting", untrusting);
    CommandRun untrusted = as("untrusting", "", "consume");
    assertThat(untrusted.exitCode()).isEqualTo(ExitCodes.FAILURE);
  }

  @Test
  @Order(5)
  @DisplayName("lets an operator send dead letters once more, and the API show and change tasks")
  void operatorAndApi() throws Exception {
    try (HyperstreamApplication app = start(API, Set.of("inference"), false)) {
      HttpClient http = HttpClient.newHttpClient();
      URI tasks = URI.create("http://127.0.0.1:" + app.port() + "/api/tasks");
      await("the topics read")
          .atMost(PATIENCE)
          .untilAsserted(
              () -> {
                HttpResponse<String> answer =
                    http.send(
                        HttpRequest.newBuilder(tasks).build(),
                        HttpResponse.BodyHandlers.ofString());
                assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
                assertThat(answer.body()).contains("\"desk\"");
              });
      HttpResponse<String> defined =
          http.send(
              HttpRequest.newBuilder(URI.create(tasks + "/by-hand"))
                  .header("Content-Type", "application/json")
                  .PUT(
                      HttpRequest.BodyPublishers.ofString(
                          "{\"labels\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(defined.statusCode()).as(defined.body()).isEqualTo(201);

      assertThat(as(CLIENT, "who am I?\n", "produce", "--any-task", "-t", "nobody").exitCode())
          .isZero();
      await("a dead letter")
          .atMost(PATIENCE)
          .untilAsserted(
              () ->
                  assertThat(as(CLIENT, "", "dead-letters", "list", "--task", "nobody").out())
                      .contains("UNKNOWN_TASK"));
      CommandRun replayed = as(OPERATOR, "", "dead-letters", "replay", "--task", "nobody");
      assertThat(replayed.exitCode()).as(replayed.err()).isZero();
      assertThat(replayed.err()).contains("replayed 1 of those");
      CommandRun client = as(CLIENT, "", "dead-letters", "replay", "--task", "nobody");
      assertThat(client.exitCode()).as(client.err()).isEqualTo(ExitCodes.FAILURE);
    }
  }

  @Test
  @Order(6)
  @DisplayName("serves two tenants side by side, of whom neither reaches what is the other's")
  void tenants() throws Exception {
    try (HyperstreamApplication first = start(APP, Set.of("inference", "adaptation"), true);
        HyperstreamApplication second = start(OTHER, Set.of("inference", "adaptation"), true)) {
      assertThat(first.port()).isNotEqualTo(second.port());
      Path yaml = Files.writeString(folder.resolve("desk-b.yaml"), YAML);
      String[] create = {"tasks", "create", "-f", yaml.toString()};
      CommandRun created = as(OTHER_PREFIX, OTHER_TEACHER, "", create);
      assertThat(created.exitCode()).as(created.err()).isZero();
      String secret = "only team B may read about the lighthouse";
      String[] produce = {"produce", "-t", "desk"};
      CommandRun sent = as(OTHER_PREFIX, OTHER_CLIENT, secret + "\n", produce);
      assertThat(sent.exitCode()).as(sent.err()).isZero();
      await("team B's answer")
          .atMost(PATIENCE)
          .untilAsserted(
              () ->
                  assertThat(
                          as(OTHER_PREFIX, OTHER_CLIENT, "", new String[] {"consume", "--json"})
                              .out())
                      .contains("\"desk\""));
      awaitAnswer(CLIENT, "and team A is answered too");

      try (TenantProbe a = new TenantProbe(cluster.scram(APP, passwordOf(APP)), cluster);
          TenantProbe b = new TenantProbe(cluster.scram(OTHER, passwordOf(OTHER)), cluster)) {
        assertThat(a.topics()).isNotEmpty().allMatch(topic -> topic.startsWith(PREFIX));
        assertThat(b.topics()).isNotEmpty().allMatch(topic -> topic.startsWith(OTHER_PREFIX));
        assertThat(a.groups()).isNotEmpty().allMatch(group -> group.startsWith(PREFIX));
        assertThat(b.groups()).isNotEmpty().allMatch(group -> group.startsWith(OTHER_PREFIX));
        for (String topic : b.topics()) {
          a.refusedTopic(topic);
        }
        for (String topic : a.topics()) {
          b.refusedTopic(topic);
        }
        a.refusedGroupAndTransactions(OTHER_PREFIX);
        b.refusedGroupAndTransactions(PREFIX);
        // The probe itself sees what is its own: a refusal above is one of rights.
        a.allowed(PREFIX);
        b.allowed(OTHER_PREFIX);
      }
    }
  }

  private static String stackTrace(Throwable failure) {
    java.io.StringWriter text = new java.io.StringWriter();
    failure.printStackTrace(new java.io.PrintWriter(text));
    return text.toString();
  }

  @Test
  @Order(7)
  @DisplayName("finds its secrets in no log at the finest level, no metric, no output, no setting")
  void noLeaks() throws Exception {
    levels.keySet().forEach(logger -> logger.setLevel(Level.TRACE));
    // Micronaut's own trace of injection prints what it injects; the documentation says so.
    Logger injection = (Logger) LoggerFactory.getLogger("io.micronaut.inject");
    levels.put(injection, injection.getLevel());
    injection.setLevel(Level.INFO);
    try (HyperstreamApplication app = start(INFERENCE, Set.of("inference"), false)) {
      awaitAnswer(CLIENT, "a last one");
      for (Class<?> type :
          List.of(
              io.hyperstream.app.config.KafkaSettings.class,
              io.hyperstream.app.config.RegistrySettings.class,
              io.hyperstream.app.config.StreamsSettings.class,
              io.hyperstream.app.config.S3Settings.class,
              io.hyperstream.app.streams.ClusterSettings.class)) {
        said.add(app.context().getBean(type).toString());
      }
    } finally {
      levels.forEach(Logger::setLevel);
    }
    for (String command : List.of("serve", "produce", "consume", "label")) {
      said.add(CommandRun.of(command, "--help").out());
    }
    said.forEach(text -> look("said", text));
    assertThat(said).hasSizeGreaterThan(20);
    assertThat(leaks).isEmpty();
  }
}
