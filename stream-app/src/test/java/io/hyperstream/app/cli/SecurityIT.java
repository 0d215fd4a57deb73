package io.hyperstream.app.cli;

import static org.apache.kafka.common.acl.AclOperation.CREATE;
import static org.apache.kafka.common.acl.AclOperation.DELETE;
import static org.apache.kafka.common.acl.AclOperation.DESCRIBE;
import static org.apache.kafka.common.acl.AclOperation.DESCRIBE_CONFIGS;
import static org.apache.kafka.common.acl.AclOperation.IDEMPOTENT_WRITE;
import static org.apache.kafka.common.acl.AclOperation.READ;
import static org.apache.kafka.common.acl.AclOperation.WRITE;
import static org.apache.kafka.common.resource.PatternType.LITERAL;
import static org.apache.kafka.common.resource.PatternType.PREFIXED;
import static org.apache.kafka.common.resource.ResourceType.CLUSTER;
import static org.apache.kafka.common.resource.ResourceType.GROUP;
import static org.apache.kafka.common.resource.ResourceType.TOPIC;
import static org.apache.kafka.common.resource.ResourceType.TRANSACTIONAL_ID;
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
  private static final String OTHER = "team-b-app";
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
    for (String user : List.of(APP, INFERENCE, ADAPTATION, CLIENT, TEACHER, OTHER)) {
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
    for (String user : List.of(APP, INFERENCE, ADAPTATION, CLIENT, TEACHER, OTHER)) {
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

  /** What docs/security.md says; it is tried here. */
  private void allow() throws Exception {
    // The whole application.
    cluster.allow(
        APP, TOPIC, PREFIXED, PREFIX, READ, WRITE, CREATE, DESCRIBE, DESCRIBE_CONFIGS, DELETE);
    cluster.allow(APP, GROUP, PREFIXED, PREFIX, READ, DESCRIBE);
    cluster.allow(APP, TRANSACTIONAL_ID, PREFIXED, PREFIX, WRITE, DESCRIBE);
    // Inference alone, its topics made by someone else.
    cluster.allow(INFERENCE, TOPIC, PREFIXED, PREFIX, DESCRIBE);
    for (String read : List.of("inference.requests", "task.definitions", "task.adapters")) {
      cluster.allow(INFERENCE, TOPIC, LITERAL, PREFIX + read, READ);
    }
    for (String written : List.of("inference.predictions", "inference.dead-letters")) {
      cluster.allow(INFERENCE, TOPIC, LITERAL, PREFIX + written, WRITE);
    }
    String inference = PREFIX + "hyperstream-inference";
    cluster.allow(INFERENCE, GROUP, LITERAL, inference, READ, DESCRIBE);
    cluster.allow(INFERENCE, TRANSACTIONAL_ID, PREFIXED, inference, WRITE, DESCRIBE);
    // Adaptation alone, with its internal topics.
    String adaptation = PREFIX + "hyperstream-adaptation";
    cluster.allow(ADAPTATION, TOPIC, PREFIXED, PREFIX, DESCRIBE);
    for (String read :
        List.of(
            "adaptation.labels",
            "adaptation.commands",
            "task.definitions",
            "task.adapters",
            "task.adapter-versions")) {
      cluster.allow(ADAPTATION, TOPIC, LITERAL, PREFIX + read, READ);
    }
    for (String written :
        List.of(
            "task.adapters",
            "task.adapter-versions",
            "adaptation.reports",
            "inference.dead-letters")) {
      cluster.allow(ADAPTATION, TOPIC, LITERAL, PREFIX + written, WRITE);
    }
    cluster.allow(
        ADAPTATION, TOPIC, PREFIXED, adaptation, READ, WRITE, CREATE, DELETE, DESCRIBE_CONFIGS);
    cluster.allow(ADAPTATION, GROUP, LITERAL, adaptation, READ, DESCRIBE);
    cluster.allow(ADAPTATION, TRANSACTIONAL_ID, PREFIXED, adaptation, WRITE, DESCRIBE);
    // Who asks.
    for (String client : List.of(CLIENT, TOKEN_CLIENT)) {
      cluster.allow(client, TOPIC, LITERAL, PREFIX + "inference.requests", WRITE, DESCRIBE);
      cluster.allow(client, TOPIC, LITERAL, PREFIX + "inference.predictions", READ, DESCRIBE);
      cluster.allow(client, TOPIC, LITERAL, PREFIX + "inference.dead-letters", READ, DESCRIBE);
      cluster.allow(client, TOPIC, LITERAL, PREFIX + "task.definitions", READ, DESCRIBE);
    }
    // Who teaches, and defines tasks.
    cluster.allow(TEACHER, TOPIC, PREFIXED, PREFIX + "adaptation.", READ, WRITE, DESCRIBE);
    cluster.allow(TEACHER, TOPIC, PREFIXED, PREFIX + "task.", READ, DESCRIBE);
    cluster.allow(TEACHER, TOPIC, LITERAL, PREFIX + "task.definitions", WRITE);
    // Another tenant.
    cluster.allow(
        OTHER, TOPIC, PREFIXED, "team-b.", READ, WRITE, CREATE, DESCRIBE, DESCRIBE_CONFIGS, DELETE);
    cluster.allow(OTHER, CLUSTER, LITERAL, "kafka-cluster", IDEMPOTENT_WRITE);
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
    List<String> arguments = new ArrayList<>(List.of(command));
    arguments.addAll(
        List.of(
            "--bootstrap-servers=" + cluster.bootstrapServers(),
            "--schema-registry-url=" + cluster.registryUrl(),
            "--topic-prefix=" + PREFIX,
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
                .topicPrefix(PREFIX)
                .roles(roles)
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

  private static String stackTrace(Throwable failure) {
    java.io.StringWriter text = new java.io.StringWriter();
    failure.printStackTrace(new java.io.PrintWriter(text));
    return text.toString();
  }

  @Test
  @Order(5)
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
