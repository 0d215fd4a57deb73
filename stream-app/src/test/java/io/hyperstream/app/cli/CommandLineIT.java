package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.testing.ChildJvm;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** {@code serve --embedded} as a process of its own, and the client commands against it. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CommandLineIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir static Path folder;
  private static PackagedCommand server;
  private static String bootstrap;
  private static String registry;

  @BeforeAll
  static void serve() throws IOException {
    server =
        PackagedCommand.start(
            folder,
            Stream.concat(
                    ChildJvm.OPTIONS.stream(),
                    Stream.of("-Duser.language=fa", "-Duser.country=IR")) // digits of its own
                .toList(),
            Map.of(),
            "serve",
            "--embedded",
            "--model",
            StarterModel.NAME,
            "--data-dir",
            folder.resolve("data").toString(),
            "--kafka-port",
            "0",
            "--registry-port",
            "0",
            "--http-port",
            "0");
    server.awaitLine("Ctrl-C stops.", Duration.ofMinutes(4));
    bootstrap = find("Kafka +(127\\.0\\.0\\.1:\\d+)");
    registry = find("schema registry +(http://\\S+)");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  @Order(1)
  @DisplayName("a new embedded cluster serves the model's own tasks, and says how to use them")
  void ownTasks() throws Exception {
    JsonNode tasks = new ObjectMapper().readTree(client("tasks", "list", "--json").out());

    assertThat(tasks.findValuesAsText("taskId")).hasSize(18).contains("clinc_banking", "pros_cons");
    assertThat(server.errors())
        .contains("hyperstream produce --task clinc_banking --bootstrap-servers " + bootstrap);
    String health = find("health, metrics +(http://\\S+)");
    assertThat(
            HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(URI.create(health)).build(), BodyHandlers.ofString())
                .statusCode())
        .isEqualTo(200);
  }

  @Test
  @Order(2)
  @DisplayName("produce and consume: texts, pairs, attributes, keys; JSON alone on standard output")
  void produceAndConsume() throws Exception {
    CommandRun sent =
        clientWithInput(
            "my card was stolen, there are charges I never made\n",
            "produce",
            "-t",
            "clinc_banking",
            "--json");
    assertThat(sent.exitCode()).as(sent.err()).isZero();
    assertThat(sent.out()).isEqualTo("{\"sent\":1,\"bad\":0}\n");
    Path pairs = Files.writeString(folder.resolve("pairs.tsv"), "food\tGreat soup, rude waiter.\n");
    assertThat(
            client(
                    "produce",
                    "-t",
                    "mams_acsa",
                    "--key",
                    "k1",
                    "--attribute",
                    "source=test",
                    pairs.toString())
                .exitCode())
        .isZero();

    JsonNode banking = awaitPrediction("clinc_banking");
    assertThat(banking.get("label").asText()).isEqualTo("report fraud");
    assertThat(banking.get("distribution").size()).isEqualTo(15);
    JsonNode pair = awaitPrediction("mams_acsa");
    assertThat(pair.get("key").asText()).isEqualTo("k1");
    assertThat(pair.get("attributes").get("source").asText()).isEqualTo("test");
  }

  @Test
  @Order(3)
  @DisplayName("a task created while running is served, and retired it becomes a dead letter")
  void taskLife() throws Exception {
    Path yaml = folder.resolve("fruit.yaml");
    Files.writeString(yaml, "taskId: fruit\nlabels: [apple, pear]\ninitFrom: [pros_cons]\n");
    assertThat(client("tasks", "create", "-f", yaml.toString()).exitCode()).isZero();
    assertThat(clientWithInput("a green one\n", "produce", "-t", "fruit").exitCode()).isZero();
    assertThat(awaitPrediction("fruit").get("label").asText()).isIn("apple", "pear");
    CommandRun again =
        client("tasks", "create", "-f", yaml.toString()); // the same: nothing is lost
    assertThat(again.exitCode()).as(again.err()).isZero();

    assertThat(client("tasks", "retire", "fruit").exitCode()).isZero();
    assertThat(client("tasks", "list").out()).doesNotContain("fruit");
    assertThat(client("tasks", "retire", "fruit").exitCode()).isEqualTo(ExitCodes.FAILURE);
    for (String unknown : List.of("fruit", "pros_con")) {
      CommandRun refused = clientWithInput("another one\n", "produce", "-t", unknown);
      assertThat(refused.exitCode()).as(unknown).isEqualTo(ExitCodes.FAILURE);
      assertThat(refused.err()).contains("the task '" + unknown + "' is not defined", "--any-task");
    }
    Path typo = folder.resolve("typo.jsonl");
    Files.writeString(typo, "{\"taskId\":\"pros_con\",\"text\":\"light\"}\n");
    assertThat(client("produce", typo.toString()).err())
        .contains("typo.jsonl:1: the task 'pros_con' is not defined; did you mean pros_cons?");
    for (String command : List.of("consume", "report", "dead-letters list", "versions --json")) {
      CommandRun nothing = client((command + " --task pros_con").split(" ", -1));
      assertThat(nothing.exitCode()).as(command).isEqualTo(ExitCodes.FAILURE);
      assertThat(nothing.err()).as(command).contains("did you mean pros_cons?");
    }
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              clientWithInput("another one\n", "produce", "--any-task", "-t", "fruit");
              assertThat(client("consume", "--dead-letters").out())
                  .contains("UNKNOWN_TASK", "fruit");
            });
  }

  @Test
  @Order(4)
  @DisplayName("a task is taught: labels, a version that answers, back to the start, and forgotten")
  void teaching() throws Exception {
    Path yaml = folder.resolve("inbox.yaml");
    Files.writeString(
        yaml,
        """
        taskId: inbox
        labels: [team-07, team-12, team-31, team-44]
        adaptation: {enabled: false, tuneWeights: false}
        """);
    assertThat(client("tasks", "create", "-f", yaml.toString()).exitCode()).isZero();
    assertThat(report("adapt", "--wait").get("outcome").asText()).isEqualTo("REFUSED");
    StringBuilder tsv = new StringBuilder();
    DemoSentence.read(DemoTeaching.EXAMPLES)
        .forEach(example -> tsv.append(example.text() + "\t" + example.label() + "\n"));
    CommandRun labelled = clientWithInput(tsv.toString(), "label", "-t", "inbox", "--json");
    assertThat(labelled.out()).as(labelled.err()).isEqualTo("{\"sent\":32,\"bad\":0}\n");

    JsonNode promoted = report("adapt", "--wait");
    assertThat(promoted.get("outcome").asText()).as(promoted.toString()).isEqualTo("PROMOTED");
    assertThat(promoted.get("publishedVersion").longValue()).isEqualTo(1);
    awaitVersion(1);
    assertThat(client("consume", "-t", "inbox").out().lines())
        .allSatisfy(
            line -> assertThat(line.endsWith("  untaught")).isEqualTo(line.contains("  v0  ")));

    assertThat(report("rollback", "--to", "1", "--wait").get("outcome").asText())
        .isEqualTo("REFUSED"); // it serves already
    assertThat(report("adapt", "--reset", "--wait").get("outcome").asText()).isEqualTo("RESET");
    awaitVersion(0);
    JsonNode back = report("rollback", "--to", "1", "--wait");
    assertThat(back.get("outcome").asText()).as(back.toString()).isEqualTo("ROLLED_BACK");
    awaitVersion(2);

    JsonNode versions =
        new ObjectMapper().readTree(client("versions", "-t", "inbox", "--json").out());
    assertThat(versions)
        .extracting(version -> version.get("version").longValue())
        .containsExactly(1L, 2L);
    assertThat(versions.findValuesAsText("served")).containsExactly("false", "true");
    assertThat(versions.get(0).get("accuracy").isNull()).isTrue();
    assertThat(versions.get(1).get("accuracy").get("version").longValue()).isEqualTo(2);
    assertThat(versions.get(1).get("pinnedBy").textValue()).isNotBlank();
    assertThat(client("report", "-t", "inbox").out())
        .contains("promoted, version 1 after 0", "rolled back, version 2");
    assertThat(
            report("forget", "--text", "Is the tap water safe for my baby?", "--wait").toString())
        .contains("1 example erased");
    assertThat(report("forget", "--all", "--wait").toString()).contains("31 examples erased");
  }

  @Test
  @Order(5)
  @DisplayName("every metric that an alert or a dashboard asks for is exported")
  void metrics() throws Exception {
    Path infra = Path.of("..", "infra");
    StringBuilder asked =
        new StringBuilder(Files.readString(infra.resolve("prometheus/alerts.yml")));
    try (DirectoryStream<Path> dashboards =
        Files.newDirectoryStream(infra.resolve("grafana/dashboards"), "*.json")) {
      for (Path dashboard : dashboards) {
        asked.append(Files.readString(dashboard));
      }
    }
    Set<String> names =
        Pattern.compile("\\b(?:hyperstream|kafka|jvm|process|system|logback)_[a-z0-9_]+")
            .matcher(asked)
            .results()
            .map(MatchResult::group)
            .collect(Collectors.toSet());
    assertThat(names).hasSizeGreaterThan(30);
    HttpRequest scrape =
        HttpRequest.newBuilder(
                URI.create(find("health, metrics +(http://\\S+)")).resolve("/prometheus"))
            .build();
    // Those of Kafka's clients are looked for once a minute.
    Awaitility.await()
        .atMost(PATIENCE.multipliedBy(2))
        .pollInterval(Duration.ofSeconds(1))
        .untilAsserted(
            () -> {
              String exported =
                  HttpClient.newHttpClient().send(scrape, BodyHandlers.ofString()).body();
              assertThat(names)
                  .allMatch(
                      name -> Pattern.compile("(?m)^" + name + "[{ ]").matcher(exported).find());
            });
  }

  private static JsonNode report(String... order) throws IOException {
    List<String> args = new ArrayList<>(List.of(order));
    args.addAll(List.of("--task", "inbox", "--json"));
    CommandRun run = client(args.toArray(String[]::new));
    assertThat(run.out()).as(run.err()).isNotEmpty();
    return new ObjectMapper().readTree(run.out());
  }

  /** Asks until this version answers. */
  private static void awaitVersion(long version) {
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () -> {
              clientWithInput("The swing is broken.\n", "produce", "-t", "inbox");
              return client("consume", "-t", "inbox", "--json")
                  .out()
                  .lines()
                  .anyMatch(line -> line.contains("\"adapterVersion\":" + version + ","));
            });
  }

  @Test
  @Order(6)
  @DisplayName("a bad row stops with file and line; --skip-bad goes on and still says so")
  void badRows() throws Exception {
    Path file = folder.resolve("rows.jsonl");
    Files.writeString(file, "{\"text\":\"ok\"}\n{\"txt\":\"oops\"}\n{\"text\":\"fine\"}\n");

    CommandRun strict = client("produce", "-t", "pros_cons", file.toString());
    assertThat(strict.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(strict.err()).contains("rows.jsonl:2: unknown field 'txt'", "1 rows before it");
    CommandRun lenient =
        client("produce", "-t", "pros_cons", "--skip-bad", "--json", file.toString());
    assertThat(lenient.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(lenient.out()).isEqualTo("{\"sent\":2,\"bad\":1}\n");
  }

  @Test
  @Order(6)
  @DisplayName(
      "CSV is read by its columns; what cannot be written is a failure, a closed pipe none")
  void filesAndOutput() throws Exception {
    Path csv = folder.resolve("reviews.csv");
    Files.writeString(csv, "id,text\n1,\"Great screen, bad battery\"\n2,\"a \"\"b\"\"\"\n");
    CommandRun refused = client("produce", "-t", "pros_cons", csv.toString());
    assertThat(refused.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(refused.err()).contains("reviews.csv:1: unknown column 'id'", "--column text=text");
    CommandRun sent =
        client("produce", "-t", "pros_cons", "--json", "--column", "text=text", csv.toString());
    assertThat(sent.out()).isEqualTo("{\"sent\":2,\"bad\":0}\n");

    String version =
        "'%s' -jar '%s' --version"
            .formatted(
                Path.of(System.getProperty("java.home"), "bin", "java"),
                Path.of("target", "hyperstream.jar").toAbsolutePath());
    Path said = folder.resolve("said.txt");
    assertThat(shell(version + " > /dev/full", said)).isEqualTo(ExitCodes.FAILURE);
    assertThat(Files.readString(said)).contains("the output could not be written");
    // It begins when the reader has closed the pipe.
    String closed =
        "{ until [ -e closed ]; do :; done; %s; echo $? > status; } | { exec 0<&-; : > closed; }; wait; cat status >&2";
    shell(closed.formatted(version), said);
    assertThat(Files.readString(said)).isEqualTo("0\n");
  }

  private static int shell(String line, Path errors) throws Exception {
    return new ProcessBuilder("bash", "-c", line)
        .directory(folder.toFile())
        .redirectError(errors.toFile())
        .start()
        .waitFor();
  }

  @Test
  @Order(7)
  @DisplayName("a wrong prefix names the missing topic instead of creating it")
  void missingTopic() {
    CommandRun run = client("consume", "--topic-prefix", "elsewhere.");

    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.err()).contains("no topic elsewhere.inference.predictions", "--topic-prefix");
  }

  @Test
  @Order(8)
  @DisplayName("predict answers without Kafka; model verify passes on the fixtures")
  void offline() throws Exception {
    try (PackagedCommand predict =
            PackagedCommand.start(
                folder,
                "predict",
                "--model",
                StarterModel.NAME,
                "-t",
                "pros_cons",
                "--text",
                "poor reception",
                "--json");
        PackagedCommand verify =
            PackagedCommand.start(
                folder, "model", "verify", "--fixtures", fixtures().toString(), "--json")) {
      assertThat(predict.await(PATIENCE)).as(predict.errors()).isZero();
      assertThat(new ObjectMapper().readTree(predict.output()).get("label").asText())
          .isEqualTo("cons");
      assertThat(verify.await(Duration.ofMinutes(3))).as(verify.errors()).isZero();
      JsonNode report = new ObjectMapper().readTree(verify.output());
      assertThat(report.get("pass").booleanValue()).isTrue();
      assertThat(report.get("fixtures").size()).isEqualTo(8);
      assertThat(report.get("fixtures").get(0).get("checks").get(0).get("maxAbsDiff").isNumber())
          .isTrue();
    }
  }

  @Test
  @Order(9)
  @DisplayName("a model that gives no numbers is not served: a sentence and an exit code")
  void notFinite() throws Exception {
    FileModelStore store = new FileModelStore(folder.resolve("broken"));
    StoredModel starter = StarterModel.install(store);
    store.publish( // as no import would
        "broken",
        starter.manifest().card(),
        target -> {
          Path backbone = Files.createDirectories(target.resolve("backbone"));
          for (Path file : starter.backbone().files()) {
            byte[] bytes = Files.readAllBytes(file);
            if (file.toString().endsWith(".safetensors")) {
              Arrays.fill(bytes, bytes.length - 4, bytes.length, (byte) 0xff); // NaN
            }
            Files.write(backbone.resolve(file.getFileName()), bytes);
          }
          Files.copy(
              starter.backbone().file("spiece.model"),
              backbone.resolve("spiece.model"),
              StandardCopyOption.REPLACE_EXISTING);
        });
    try (PackagedCommand serve =
        PackagedCommand.start(
            folder,
            "serve",
            "--bootstrap-servers",
            bootstrap,
            "--schema-registry-url",
            registry,
            "--topic-prefix",
            "broken.",
            "--http-port",
            "0",
            "--model",
            "broken",
            "--model-dir",
            folder.resolve("broken").toString())) {
      assertThat(serve.await(Duration.ofMinutes(3))).isEqualTo(ExitCodes.FAILURE);
      assertThat(serve.errors())
          .containsPattern("hyperstream: model [0-9a-f]+ does not answer .*not finite.*");
    }
  }

  @Test
  @Order(10)
  @DisplayName("SIGTERM stops it within seconds, the registry with it")
  void terminate() throws Exception {
    List<ProcessHandle> children = server.process().descendants().toList();
    assertThat(children).isNotEmpty();

    server.terminate();

    assertThat(server.await(Duration.ofSeconds(30))).isEqualTo(143);
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> children.stream().noneMatch(ProcessHandle::isAlive));
  }

  @Test
  @Order(11)
  @DisplayName("what it wrote is read on a machine of any language")
  void digits() throws Exception {
    try (Stream<Path> written = Files.walk(folder.resolve("data"))) {
      assertThat(written.map(Path::toString))
          .anyMatch(file -> file.endsWith("/00000000000000000000.log"))
          .allMatch(StandardCharsets.US_ASCII.newEncoder()::canEncode);
    }
  }

  private static JsonNode awaitPrediction(String task) {
    AtomicReference<JsonNode> found = new AtomicReference<>();
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () -> {
              String out = client("consume", "--json", "--task", task).out();
              if (out.isEmpty()) {
                return false;
              }
              found.set(new ObjectMapper().readTree(out.lines().findFirst().orElseThrow()));
              return true;
            });
    return found.get();
  }

  private static CommandRun client(String... args) {
    return clientWithInput("", args);
  }

  private static CommandRun clientWithInput(String input, String... args) {
    List<String> all = new ArrayList<>(List.of(args));
    all.addAll(List.of("--bootstrap-servers", bootstrap, "--schema-registry-url", registry));
    return CommandRun.withInput(input, all.toArray(String[]::new));
  }

  private static Path fixtures() {
    return Path.of("..", "model-store", "src", "test", "resources", "fixtures")
        .toAbsolutePath()
        .normalize();
  }

  private static String find(String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(server.errors());
    assertThat(matcher.find()).as("%s in%n%s", pattern, server.errors()).isTrue();
    return matcher.group(1);
  }
}
