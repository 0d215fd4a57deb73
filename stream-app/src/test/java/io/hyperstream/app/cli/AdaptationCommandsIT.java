package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.ServedState;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.TopicProvisioner;
import io.hyperstream.schemas.Topics;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The teaching commands as clients of the topics; what answers them is played here. */
@ExtendWith(SharedCluster.class)
class AdaptationCommandsIT {
  private static final String PREFIX = "cli-adaptation.";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir static Path folder;
  private static Connection connection;

  @BeforeAll
  static void prepare() throws Exception {
    EmbeddedCluster cluster = SharedCluster.cluster();
    Topics topics = new Topics(Topics.Settings.defaults().withPrefix(PREFIX));
    connection =
        new Connection(cluster.bootstrapServers(), cluster.schemaRegistryUrl(), topics, Map.of());
    try (Admin admin = connection.admin();
        SchemaRegistryClient registry =
            SchemaRegistries.connect(cluster.schemaRegistryUrl(), Map.of())) {
      new TopicProvisioner(admin, (short) 1).ensure(topics.all(), true, PATIENCE);
      new SchemaRegistrar(registry, topics).register(PATIENCE);
    }
    Path yaml = folder.resolve("tasks.yaml");
    Files.writeString(
        yaml,
        "[{taskId: desk, labels: [billing, delivery]}, {taskId: other, labels: [a, b]},"
            + " {taskId: waiting, labels: [a, b]}]");
    assertThat(run("tasks", "create", "-f", yaml.toString()).exitCode()).isZero();
  }

  @AfterAll
  static void close() throws Exception {
    connection.close();
  }

  @Test
  @DisplayName("label: files, single texts, requests and retractions become label events")
  void label() throws Exception {
    Path tsv = Files.writeString(folder.resolve("l.tsv"), "where is it?\tdelivery\n");
    assertThat(run("label", "-t", "desk", "--source", "ann", "--json", tsv.toString()).out())
        .isEqualTo("{\"sent\":1,\"bad\":0}\n");
    assertThat(
            withInput(
                    "{\"taskId\":\"other\",\"requestId\":\"r9\",\"label\":\"a\"}\n",
                    "label",
                    "--format",
                    "jsonl")
                .exitCode())
        .isZero();
    assertThat(run("label", "-t", "desk", "--text", "pay twice?", "--label", "billing").err())
        .contains("sent 1 label to " + PREFIX + "adaptation.labels");
    assertThat(run("label", "-t", "desk", "--text", "pay twice?", "--retract").exitCode()).isZero();

    List<LabelEvent> events = read(connection.topics().labels(), LabelEvent.class);
    assertThat(events)
        .filteredOn(event -> "where is it?".equals(event.getText()))
        .singleElement()
        .matches(event -> event.getLabel().equals("delivery") && event.getSource().equals("ann"));
    assertThat(events)
        .filteredOn(event -> "r9".equals(event.getRequestId()))
        .singleElement()
        .matches(event -> event.getText() == null && event.getTaskId().equals("other"));
    assertThat(events)
        .filteredOn(event -> "pay twice?".equals(event.getText()))
        .extracting(LabelEvent::getLabel)
        .containsExactly("billing", null);
  }

  @Test
  @DisplayName(
      "label: a label the task does not have is refused with those it has, nothing is sent")
  void unknownLabel() {
    CommandRun run =
        withInput("fine\tbilling\nlost\tcargo\n", "label", "-t", "desk", "--skip-bad", "--json");
    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.out()).isEqualTo("{\"sent\":1,\"bad\":1}\n");
    assertThat(run.err())
        .contains(":2: the task 'desk' has no label 'cargo'; its labels are billing, delivery");
    assertThat(run("label", "-t", "desk", "--text", "", "--label", "billing").err())
        .contains("--text: the text is empty");
    assertThat(run("label", "-t", "desk", "--text", "lost", "--label", "cargo").err())
        .contains("no label 'cargo'");
    assertThat(run("label", "-t", "dusk", "--text", "lost", "--label", "cargo").err())
        .contains("the task 'dusk' is not defined; did you mean desk?");
    assertThat(read(connection.topics().labels(), LabelEvent.class))
        .noneMatch(event -> "lost".equals(event.getText()));
  }

  @Test
  @DisplayName("versions, report, rollback: what is published is shown, what is not is refused")
  void versions() throws Exception {
    assertThat(run("versions", "-t", "other").err()).contains("no version yet");
    assertThat(run("rollback", "-t", "other").err()).contains("no version to return to");
    for (long version = 1; version <= 3; version++) {
      AdapterVersion record = version(version);
      send(connection.topics().adapterVersions(), "m|desk|" + version, record);
      send(connection.topics().adapters(), "m|desk", record);
    }
    connection.deliver(
        "tombstone",
        List.of(
            new ProducerRecord<>(
                connection.topics().adapterVersions().name(), "m|desk|1", (byte[]) null)));

    assertThat(run("versions", "-t", "desk").out().lines())
        .hasSize(3)
        .anyMatch(line -> line.startsWith("*       3  EMBEDDING"))
        .anyMatch(line -> line.startsWith("        2  EMBEDDING"));
    JsonNode json = new ObjectMapper().readTree(run("versions", "-t", "desk", "--json").out());
    assertThat(json.findValuesAsText("version")).containsExactly("2", "3");
    assertThat(json.get(1).get("served").booleanValue()).isTrue();
    assertThat(json.get(1).get("bytes").intValue()).isGreaterThan(64 * 4);
    assertThat(run("rollback", "-t", "desk", "--to", "1").err())
        .contains("has no version 1; it has 2, 3");

    send(connection.topics().reports(), "desk", report("first", "c1", AdaptationOutcome.PROMOTED));
    send(connection.topics().reports(), "desk", report("second", "c2", AdaptationOutcome.RESET));
    assertThat(run("report", "-t", "desk", "--last", "1").out()).contains("second");
    assertThat(run("report", "-t", "desk", "--json").out().lines()).hasSize(2);
    assertThat(run("report", "-t", "waiting").err()).contains("no report yet");

    AdaptationReport third = report("third", "c3", AdaptationOutcome.PINNED);
    third.setServed(new ServedState(3L, 12L, 9L, "ann"));
    third.setFinishedAt(third.getFinishedAt().plusSeconds(1));
    send(connection.topics().reports(), "desk", third);
    assertThat(run("versions", "-t", "desk").out())
        .contains("version 3 since it serves: 9 of 12 labels right, 75.0%", "pinned by ann");
    JsonNode told = new ObjectMapper().readTree(run("versions", "-t", "desk", "--json").out());
    assertThat(told.get(0).get("accuracy").isNull()).isTrue();
    assertThat(told.get(1).get("accuracy").get("of").intValue()).isEqualTo(12);
    assertThat(told.get(1).get("pinnedBy").textValue()).isEqualTo("ann");
    assertThat(run("tasks", "list").out()).contains("75% (47-91%) of 12 pinned");
  }

  @Test
  @DisplayName("an order waits for its own report, and the exit status says the result")
  void waiting() throws Exception {
    CommandRun silent = run("adapt", "-t", "waiting", "--wait", "--timeout", "500ms");
    assertThat(silent.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(silent.err()).contains("no report within", "role `adaptation`");

    try (Responder responder = new Responder()) {
      assertThat(await("adapt", AdaptationOutcome.PROMOTED)).isEqualTo(ExitCodes.OK);
      assertThat(await("adapt", AdaptationOutcome.NOT_PROMOTED)).isEqualTo(ExitCodes.NOT_PROMOTED);
      assertThat(await("adapt --evaluate", AdaptationOutcome.EVALUATED)).isEqualTo(ExitCodes.OK);
      assertThat(await("adapt --freeze", AdaptationOutcome.REFUSED)).isEqualTo(ExitCodes.FAILURE);
      assertThat(await("adapt --unfreeze", AdaptationOutcome.UNFROZEN)).isEqualTo(ExitCodes.OK);
      assertThat(await("adapt --promote", AdaptationOutcome.PROMOTED)).isEqualTo(ExitCodes.OK);
      assertThat(await("adapt --pin", AdaptationOutcome.PINNED)).isEqualTo(ExitCodes.OK);
      assertThat(await("adapt --unpin", AdaptationOutcome.UNPINNED)).isEqualTo(ExitCodes.OK);
      assertThat(await("adapt --reset", AdaptationOutcome.FAILED)).isEqualTo(ExitCodes.FAILURE);
      assertThat(await("forget --all", AdaptationOutcome.FORGOTTEN)).isEqualTo(ExitCodes.OK);

      assertThat(responder.answered)
          .extracting(AdaptationCommand::getAction)
          .containsExactly(
              AdaptationAction.ADAPT,
              AdaptationAction.ADAPT,
              AdaptationAction.EVALUATE,
              AdaptationAction.FREEZE,
              AdaptationAction.UNFREEZE,
              AdaptationAction.PROMOTE,
              AdaptationAction.PIN,
              AdaptationAction.UNPIN,
              AdaptationAction.RESET,
              AdaptationAction.FORGET);
    }
  }

  @Test
  @DisplayName("forget: by text, or by the text of a request that is still kept")
  void forget() throws Exception {
    Path rows = folder.resolve("r.jsonl");
    Files.writeString(
        rows, "{\"requestId\":\"r1\",\"text\":\"a secret\",\"textPair\":\"in two parts\"}\n");
    assertThat(run("produce", "-t", "desk", rows.toString()).exitCode()).isZero();

    assertThat(run("forget", "-t", "desk", "--request-id", "r1", "--json").out())
        .contains("commandId");
    assertThat(run("forget", "-t", "desk", "--text", "another").exitCode()).isZero();
    assertThat(run("forget", "-t", "desk", "--request-id", "r2").err())
        .contains("no request 'r2' is kept");
    assertThat(run("forget", "-t", "other", "--request-id", "r1").err())
        .contains("is of the task 'desk', not of 'other'");

    assertThat(read(connection.topics().commands(), AdaptationCommand.class))
        .filteredOn(command -> command.getTaskId().equals("desk"))
        .extracting(AdaptationCommand::getText)
        .containsExactlyInAnyOrder("a secret", "another");
  }

  private static CommandRun atTerminal(String answer, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exitCode =
        Hyperstream.run(CommandRun.console(answer, out, err, true), withConnection(args));
    return new CommandRun(
        exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private static JsonNode shown(String task) throws Exception {
    CommandRun run = run("tasks", "show", task, "--json");
    assertThat(run.exitCode()).as(run.err()).isZero();
    return new ObjectMapper().readTree(run.out());
  }

  @Test
  @DisplayName("tasks create and retire show what goes, and go on only if that is meant")
  void losses() throws Exception {
    Path full = folder.resolve("full.yaml");
    Files.writeString(
        full,
        """
        taskId: shop
        labels: [{name: a, description: what a is}, b, c]
        description: What is asked
        initFrom: [pros_cons]
        """);
    Path less = Files.writeString(folder.resolve("less.yaml"), "taskId: shop\nlabels: [a, b]\n");
    for (int i = 0; i < 2; i++) { // again: nothing is lost, nothing is asked
      assertThat(run("tasks", "create", "-f", full.toString()).exitCode()).isZero();
    }
    AdaptationReport.Builder report =
        AdaptationReport.newBuilder(report("kept", null, AdaptationOutcome.EVALUATED))
            .setTaskId("shop")
            .setKeptExamples(Map.of("a", 2, "c", 7));
    send(connection.topics().reports(), "shop", report.build());

    CommandRun unasked = run("tasks", "create", "-f", less.toString());
    assertThat(unasked.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(unasked.err())
        .contains("shop: drops the label c; 7 examples of 1 label are set aside")
        .contains("shop: drops its description What is asked")
        .contains("shop: drops its initFrom [pros_cons]")
        .contains("shop: drops the description of a")
        .contains("nothing was sent", "--yes");
    CommandRun refused = atTerminal("\n", "tasks", "create", "-f", less.toString());
    assertThat(refused.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(refused.err()).contains("Go on? [y/N]", "nothing was sent");
    assertThat(shown("shop").path("labels")).hasSize(3);
    assertThat(shown("shop").path("setAside")).isEmpty();

    assertThat(atTerminal("y\n", "tasks", "create", "-f", less.toString()).exitCode()).isZero();
    assertThat(shown("shop").path("setAside").path("c").asInt()).isEqualTo(7);
    assertThat(run("tasks", "show", "shop").out())
        .contains("7 examples of 1 label are set aside: the definition does not have c");
    assertThat(run("tasks", "create", "-f", full.toString()).exitCode()).isZero();
    assertThat(run("tasks", "create", "--yes", "-f", less.toString()).exitCode()).isZero();

    CommandRun kept = run("tasks", "retire", "shop");
    assertThat(kept.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(kept.err()).contains("shop: 9 examples of 2 labels are erased");
    assertThat(run("tasks", "retire", "shop", "--yes").exitCode()).isZero();
    assertThat(run("tasks", "show", "shop").err()).contains("the task 'shop' is not defined");
  }

  @Test
  @DisplayName("tasks list and show say why a task cannot be served, until it can")
  void problems() throws Exception {
    Path yaml = Files.writeString(folder.resolve("odd.yaml"), "taskId: odd\nkind: GENERATION\n");
    assertThat(run("tasks", "create", "-f", yaml.toString()).exitCode()).isZero();
    assertThat(shown("odd").path("valid").asBoolean()).isTrue();
    AdaptationReport.Builder report =
        AdaptationReport.newBuilder(
                report(
                    "The task cannot be served: it has no words", null, AdaptationOutcome.REFUSED))
            .setTaskId("odd")
            .setTrigger("definition");
    send(connection.topics().reports(), "odd", report.build());
    assertThat(shown("odd").path("valid").asBoolean(true)).isFalse();
    assertThat(run("tasks", "list").out().lines())
        .anyMatch(line -> line.matches("odd .*\\bcannot be served: it has no words"));
    JsonNode listed = new ObjectMapper().readTree(run("tasks", "list", "--json").out());
    assertThat(listed.findValuesAsText("problem")).contains("it has no words");
    report.setOutcome(AdaptationOutcome.REDEFINED).setFinishedAt(Instant.ofEpochSecond(99));
    send(connection.topics().reports(), "odd", report.build());
    assertThat(shown("odd").path("valid").asBoolean()).isTrue();
    assertThat(run("tasks", "create", "--model", "bge-small", "-f", yaml.toString()).err())
        .contains(
            "nothing was sent, because bge-small can never answer the task 'odd': it is of kind",
            "starter-t5-mini");
  }

  @Test
  @DisplayName("label: what a task can never learn is refused before anything is sent")
  void cannotLearn() throws Exception {
    Path yaml = folder.resolve("mute.yaml");
    Files.writeString(
        yaml,
        "[{taskId: writer, kind: GENERATION},"
            + " {taskId: couple, labels: [x, y], template: 'a: {text} b: {textPair}'}]");
    assertThat(run("tasks", "create", "-f", yaml.toString()).exitCode()).isZero();
    for (String[] options : new String[][] {{"--label", "x"}, {"--retract"}}) {
      List<String> args = new ArrayList<>(List.of("label", "-t", "writer", "--text", "mute"));
      args.addAll(List.of(options));
      CommandRun run = run(args.toArray(String[]::new));
      assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
      assertThat(run.err()).contains("'writer' is of kind GENERATION, and only CLASSIFICATION");
    }
    assertThat(run("label", "-t", "couple", "--text", "mute", "--label", "x").err())
        .contains("'couple' needs a pair of texts");
    assertThat(withInput("mute\tx\n", "label", "-t", "writer").exitCode())
        .isEqualTo(ExitCodes.FAILURE);
    assertThat(read(connection.topics().labels(), LabelEvent.class))
        .noneMatch(event -> "mute".equals(event.getText()));
  }

  /** Answers each command of the task "waiting" with the outcome its reason names. */
  private static final class Responder implements AutoCloseable {
    private final List<AdaptationCommand> answered =
        Collections.synchronizedList(new ArrayList<>());
    private final TopicReader commands =
        new TopicReader(
            connection.consumer(), List.of(connection.topics().commands().name()), false);
    private final Thread thread = new Thread(this::run, "responder");
    private volatile boolean stop;

    Responder() {
      thread.start();
    }

    private void run() {
      while (!stop) {
        commands
            .poll(Duration.ofMillis(100))
            .forEach(
                record -> {
                  AdaptationCommand command =
                      connection
                          .codec()
                          .deserialize(record.topic(), record.value(), AdaptationCommand.class);
                  if (!command.getTaskId().equals("waiting")) {
                    return;
                  }
                  answered.add(command);
                  // Someone else's report first: it is not the one that is waited for.
                  send(
                      connection.topics().reports(),
                      "waiting",
                      report("not yours", null, AdaptationOutcome.CANCELLED));
                  send(
                      connection.topics().reports(),
                      "waiting",
                      report(
                          "yours",
                          command.getCommandId(),
                          AdaptationOutcome.valueOf(command.getReason())));
                });
      }
      commands.close();
    }

    @Override
    public void close() {
      stop = true;
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static int await(String line, AdaptationOutcome outcome) throws Exception {
    List<String> args = new ArrayList<>(List.of(line.split(" ", -1)));
    args.addAll(List.of("-t", "waiting", "--wait", "--json", "--reason", outcome.name()));
    CommandRun run = run(args.toArray(String[]::new));
    JsonNode report = new ObjectMapper().readTree(run.out());
    assertThat(report.get("outcome").asText()).isEqualTo(outcome.name());
    assertThat(report.get("reason").asText()).isEqualTo("yours");
    return run.exitCode();
  }

  private static AdapterVersion version(long version) {
    return AdapterVersion.newBuilder()
        .setTaskId("desk")
        .setVersion(version)
        .setModelId("m")
        .setForm(AdapterForm.EMBEDDING)
        .setEmbedding(Collections.nCopies(64, 0.5f))
        .setCreatedAt(Instant.EPOCH)
        .build();
  }

  private static AdaptationReport report(
      String reason, String commandId, AdaptationOutcome outcome) {
    return AdaptationReport.newBuilder()
        .setReportId(reason)
        .setTaskId(reason.endsWith("yours") ? "waiting" : "desk")
        .setModelId("m")
        .setOutcome(outcome)
        .setCommandId(commandId)
        .setReason(reason)
        .setStartedAt(Instant.EPOCH)
        .setFinishedAt(Instant.ofEpochSecond(reason.length()))
        .build();
  }

  private static void send(Topic topic, String key, SpecificRecord record) {
    byte[] value = connection.codec().serialize(topic.name(), record);
    try {
      connection.deliver("record", List.of(new ProducerRecord<>(topic.name(), key, value)));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static <T extends SpecificRecord> List<T> read(Topic topic, Class<T> type) {
    List<T> records = new ArrayList<>();
    try (TopicReader reader = new TopicReader(connection.consumer(), List.of(topic.name()), true)) {
      reader.readToEnd(
          record ->
              records.add(connection.codec().deserialize(record.topic(), record.value(), type)));
    }
    return records;
  }

  private static CommandRun run(String... args) {
    return withInput("", args);
  }

  private static CommandRun withInput(String input, String... args) {
    return CommandRun.withInput(input, withConnection(args));
  }

  private static String[] withConnection(String... args) {
    List<String> all = new ArrayList<>(List.of(args));
    all.addAll(
        List.of(
            "--bootstrap-servers",
            connection.bootstrapServers(),
            "--schema-registry-url",
            connection.registryUrl(),
            "--topic-prefix",
            PREFIX));
    return all.toArray(String[]::new);
  }
}
