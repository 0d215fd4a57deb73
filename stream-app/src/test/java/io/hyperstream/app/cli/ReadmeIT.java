package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.schemas.InferenceRequest;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.avro.Schema;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * README.md as a person follows it: its files are written, its commands run by a shell, one after
 * the other, against one {@code serve --embedded}, and each is held against what README says of it.
 * Only the ports differ. What stands in README and not here, or in another order, fails.
 */
class ReadmeIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;
  private static PackagedCommand server;

  /** What a command is to do; its text comes from README. */
  private interface Step {
    void follow(String command) throws Exception;
  }

  /** What came of a command. */
  private record Ran(int status, String out, String err) {
    Ran succeeded() {
      assertThat(status).as(out + err).isZero();
      return this;
    }

    Ran saying(String... parts) {
      succeeded();
      assertThat(out + err).contains(parts);
      return this;
    }
  }

  @BeforeAll
  static void checkout() throws IOException {
    for (String name : List.of("hyperstream", "stream-app", "infra")) {
      Files.createSymbolicLink(
          folder.resolve(name), Path.of("..", name).toAbsolutePath().normalize());
    }
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  @Test
  @DisplayName("README has its length, its languages, and tables instead of further files to read")
  void shape() throws IOException {
    assertThat(Files.readAllLines(Path.of("..", "README.md"))).hasSizeLessThan(250);
    assertThat(Readme.read().blocks())
        .extracting(Readme.Block::language)
        .isSubsetOf("bash", "yaml", "tsv", "python", "text"); // text: what a command prints
    Matcher links =
        Pattern.compile("\\]\\((?!http)([^)#]+)")
            .matcher(Files.readString(Path.of("../README.md")));
    assertThat(links.results().map(link -> Path.of("..", link.group(1)))).allMatch(Files::exists);
  }

  @Test
  @DisplayName("every command and snippet of README, in its order, does what README says")
  void everything() throws Exception {
    Iterator<Map.Entry<String, Step>> steps = steps().entrySet().iterator();
    for (Readme.Block block : Readme.read().blocks()) {
      switch (block.language()) {
        case "bash" -> {
          for (String command : block.commands()) {
            follow(steps, command, command);
          }
        }
        case "yaml", "tsv" -> {
          assertThat(block.file()).as("the name of a file before%n%s", block.text()).isNotEmpty();
          Files.writeString(folder.resolve(block.file()), block.text());
        }
        case "python" -> follow(steps, "(python)", block.text());
        default -> {}
      }
    }
    assertThat(steps).as("steps that README no longer has").isExhausted();
  }

  private static void follow(Iterator<Map.Entry<String, Step>> steps, String name, String text)
      throws Exception {
    assertThat(steps).as("README has '%s', which nothing here checks", name).hasNext();
    Map.Entry<String, Step> next = steps.next();
    assertThat(name).as("README's next command").startsWith(next.getKey());
    try {
      next.getValue().follow(text);
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("README's command failed: " + name, e);
    }
  }

  /** By how the commands begin, in README's order. */
  private static Map<String, Step> steps() {
    Map<String, Step> steps = new LinkedHashMap<>();
    steps.put(
        "mvn -ntp -q -DskipTests package && java -jar stream-app/target/hyperstream.jar demo",
        c -> elsewhere(DemoIT.class));
    steps.put("mvn -ntp verify", c -> elsewhere(ReadmeIT.class));
    steps.put("alias hyperstream=\"$PWD/hyperstream\"", c -> run(c).succeeded());
    steps.put("hyperstream serve --embedded", ReadmeIT::serve);
    steps.put("hyperstream tasks create", c -> run(c).succeeded());
    steps.put("hyperstream tasks list", c -> run(c).saying("product-review", "support-routing"));
    steps.put("echo 'it broke on the second day' | hyperstream produce", c -> run(c).succeeded());
    steps.put("hyperstream consume", c -> until(c, "product-review", "negative", "untaught"));
    steps.put("hyperstream predict --definitions", c -> run(c).saying("positive"));
    steps.put("hyperstream predict --labels", c -> run(c).saying("returns"));
    steps.put("hyperstream label --task support-routing examples", c -> run(c).saying("9"));
    steps.put(
        "hyperstream adapt --task support-routing --wait", c -> run(c).saying("promoted, ver"));
    steps.put(
        "hyperstream versions",
        c -> assertThat(run(c).succeeded().out()).containsPattern("(?m)^\\* +1 +PROTOTYPES"));
    steps.put(
        "hyperstream report", c -> run(c).saying("promoted, version 1 after 0", "9 examples"));
    steps.put("hyperstream label --task support-routing --text", c -> run(c).succeeded());
    steps.put("hyperstream adapt --task support-routing --reset", c -> run(c).saying("reset"));
    steps.put("hyperstream rollback", c -> run(c).saying("rolled back, version 2"));
    steps.put("hyperstream adapt --task support-routing --unpin", c -> run(c).saying("unpinned"));
    steps.put("hyperstream forget", c -> run(c).saying("1 example erased"));
    steps.put("curl -X PATCH", ReadmeIT::patch);
    steps.put("curl localhost:8080/api/predict", ReadmeIT::predictOverHttp);
    steps.put("(python)", ReadmeIT::python);
    steps.put(
        "docker compose -f infra/docker/compose.yaml up --build",
        c ->
            assertThat(Files.readString(folder.resolve("infra/ci/compose.sh")))
                .contains("infra/docker/compose.yaml")); // CI runs that script
    steps.put("hyperstream predict --model starter-t5-mini", c -> run(c).saying("pros"));
    steps.put("hyperstream model list", c -> run(c).saying("bge-small", "starter-t5-mini"));
    steps.put("hyperstream evaluate", c -> run(c).saying("rooms", "zero-shot", "auto"));
    return steps;
  }

  /** Another test runs it; the compiler sees that it is there. */
  private static void elsewhere(Class<?> test) {
    assertThat(test.getSimpleName()).endsWith("IT");
    jarIsThere();
  }

  private static void jarIsThere() {
    assertThat(folder.resolve("stream-app/target/hyperstream.jar")).exists();
  }

  private static void serve(String command) throws IOException {
    List<String> args = new ArrayList<>(List.of(command.split(" ")));
    args.remove(0);
    args.addAll(List.of("--data-dir", folder.resolve("data").toString(), "--kafka-port", "0"));
    args.addAll(List.of("--registry-port", "0", "--http-port", "0"));
    server = PackagedCommand.start(folder, args.toArray(String[]::new));
    server.awaitLine("Ctrl-C stops.", Duration.ofMinutes(4));
    assertThat(said("API +(http://\\S+)/api/docs")).isEqualTo(said("dashboard +(http://\\S+)/"));
  }

  private static void patch(String command) throws Exception {
    JsonNode task = JSON.readTree(run(command).succeeded().out());
    assertThat(task.toString()).contains("Which of three teams answers this message", "team-c");
    assertThat(task.findValue("triggerExamples").intValue()).isEqualTo(20);
  }

  /** What was taught is still there. */
  private static void predictOverHttp(String command) {
    Awaitility.await("the taught answer")
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              JsonNode answer = JSON.readTree(run(command).succeeded().out());
              assertThat(answer.findValue("label").asText()).isEqualTo("team-b");
              assertThat(answer.findValue("taught").booleanValue()).isTrue();
            });
  }

  /**
   * With Confluent's package, where it is installed; otherwise with a stand-in that prints what
   * would be produced, whose fields are held against the schema and which is sent from here.
   */
  private static void python(String snippet) throws Exception {
    Path script =
        Files.writeString(
            folder.resolve("produce.py"),
            snippet
                .replace("localhost:9092", bootstrap())
                .replace("http://localhost:8081/apis/ccompat/v7", registry()));
    if (run("python3 -c 'import confluent_kafka.schema_registry.avro'").status() == 0) {
      run("python3 " + script).succeeded();
    } else {
      Path standIn = Files.createDirectories(folder.resolve("py/confluent_kafka/schema_registry"));
      Files.writeString(
          standIn.resolveSibling("__init__.py"),
          """
          import json
          class SerializingProducer:
              def __init__(self, conf): assert set(conf) == {"bootstrap.servers", "value.serializer"}
              def produce(self, topic, key, value): print(json.dumps([topic, key, value]))
              def flush(self): pass
          """);
      Files.writeString(
          standIn.resolve("__init__.py"),
          """
          from types import SimpleNamespace as S
          class SchemaRegistryClient:
              def __init__(self, conf): assert set(conf) == {"url"}
              def get_latest_version(self, subject):
                  assert subject == "inference.requests-value"
                  return S(schema=S(schema_str="{}"))
          """);
      Files.writeString(
          standIn.resolve("avro.py"),
          "class AvroSerializer:\n    def __init__(self, registry, schema, conf): pass\n");
      JsonNode sent =
          JSON.readTree(run("PYTHONPATH=py python3 " + script.getFileName()).succeeded().out());
      assertThat(sent.get(0).asText()).isEqualTo("inference.requests");
      JsonNode value = sent.get(2);
      assertThat(value.fieldNames())
          .toIterable()
          .containsExactlyInAnyOrderElementsOf(
              InferenceRequest.getClassSchema().getFields().stream()
                  .map(Schema.Field::name)
                  .toList());
      run("echo '%s' | hyperstream produce --task %s"
              .formatted(value.get("text").asText(), value.get("taskId").asText()))
          .succeeded();
    }
    until("hyperstream consume --task support-routing", "support-routing", "team-c");
  }

  /** Runs a command again and again, until a line has all parts. */
  private static void until(String command, String... parts) {
    Awaitility.await(String.join(", ", parts))
        .atMost(PATIENCE)
        .until(
            () ->
                run(command)
                    .succeeded()
                    .out()
                    .lines()
                    .anyMatch(line -> List.of(parts).stream().allMatch(line::contains)));
  }

  private static Ran run(String command) throws IOException, InterruptedException {
    Path out = Files.createTempFile(folder, "out", ".txt");
    Path err = Files.createTempFile(folder, "err", ".txt");
    // An alias counts from the next line on.
    String script =
        "shopt -s expand_aliases; set -o pipefail\nalias hyperstream=\"$PWD/hyperstream\"\n"
            + (command.contains("localhost:8080")
                ? command.replace("localhost:8080", http())
                : command);
    ProcessBuilder builder =
        new ProcessBuilder("bash", "-c", script)
            .directory(folder.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(name -> name.startsWith("HYPERSTREAM_"));
    environment.put("HYPERSTREAM_CLASS_DIR", folder.resolve("classes").toString());
    if (server != null) {
      environment.put("HYPERSTREAM_KAFKA_BOOTSTRAP_SERVERS", bootstrap());
      environment.put("HYPERSTREAM_REGISTRY_URL", registry());
    }
    environment.put("HYPERSTREAM_MODEL_DIR", folder.resolve("model-store").toString());
    Process process = builder.start();
    try {
      assertThat(process.waitFor(3, TimeUnit.MINUTES)).as("%s ended", command).isTrue();
      return new Ran(process.exitValue(), text(out), text(err));
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private static String text(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.UTF_8);
  }

  private static String bootstrap() {
    return said("Kafka +(127\\.0\\.0\\.1:\\d+)");
  }

  private static String registry() {
    return said("schema registry +(http://\\S+)");
  }

  private static String http() {
    return said("dashboard +http://([^/]+)/");
  }

  private static String said(String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(server.errors());
    assertThat(matcher.find()).as("%s in%n%s", pattern, server.errors()).isTrue();
    return matcher.group(1);
  }
}
