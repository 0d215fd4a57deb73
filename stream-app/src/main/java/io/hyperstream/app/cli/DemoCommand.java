package io.hyperstream.app.cli;

import io.hyperstream.app.HyperstreamApplication;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoreFiles;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Everything at once, on this machine, with nothing but this jar. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "See it work: a real Kafka and registry, the application, ten tasks, several hundred"
          + " sentences.",
      "Ten tasks, defined by their labels only, without examples: first all sentences at once"
          + " (throughput), then at a steady half of that rate (latency), with a few records in"
          + " between that cannot be answered. The labels beside the answers were given by a person.",
      "Then a task whose label names mean nothing: asked, taught with 32 labelled sentences while it"
          + " runs, asked the same again. Everything is removed at the end."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream demo",
      "    hyperstream demo --json summary.json",
      "    hyperstream demo --keep-running    # and use the other commands on it",
      "",
      "Exits with 1 if a request was lost or answered twice."
    })
final class DemoCommand implements Callable<Integer> {
  private static final Duration START_PATIENCE = Duration.ofMinutes(5);

  private final Console console;
  private final long started = System.nanoTime();

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Also write the summary as JSON; - is standard output.")
  private String json;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "Keep the data here. Default: a temporary folder, removed at the end.")
  private Path dataDir;

  @Option(names = "--keep-running", description = "Leave it up until Ctrl-C.")
  private boolean keepRunning;

  @Option(
      names = "--http-port",
      paramLabel = "PORT",
      defaultValue = "0",
      description = "Health and metrics; 0: a free one. Default: 0.")
  private int httpPort;

  DemoCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    ServeCommand.checkPort(httpPort);
    JsonFile.check(json == null || json.equals("-") ? null : Path.of(json));
    DemoSummary summary;
    try (Teardown teardown = Teardown.alsoOnSignal(console)) {
      Path directory = directory(teardown);
      note(
          "Starting Kafka, the schema registry and the application; data in "
              + directory
              + (dataDir == null ? ", removed at the end." : "."));
      EmbeddedCluster cluster =
          teardown.start(
              "embedded Kafka and registry",
              () -> EmbeddedCluster.start(EmbeddedCluster.Options.in(directory)));
      HyperstreamApplication application =
          teardown.start(
              "the application",
              () -> HyperstreamApplication.start(properties(cluster, directory)));
      application.awaitRunning(START_PATIENCE);
      long startMillis = millisSinceStart();
      note(String.format(Locale.ROOT, "Ready after %.1f s.", startMillis / 1000.0));
      Topics topics = new Topics(Topics.Settings.defaults());
      try (Connection connection =
          new Connection(
              cluster.bootstrapServers(), cluster.schemaRegistryUrl(), topics, Map.of())) {
        defineTasks(connection);
        summary = stream(connection, startMillis);
      }
      if (keepRunning) {
        keepRunning(cluster, application);
      }
    }
    if (!summary.exactlyOnce()) {
      throw CommandFailure.failed(
          summary.lost() + " requests lost, " + summary.duplicated() + " answered twice");
    }
    return ExitCodes.OK;
  }

  private Map<String, Object> properties(EmbeddedCluster cluster, Path directory) {
    return new ApplicationProperties()
        .cluster(cluster.bootstrapServers(), cluster.schemaRegistryUrl())
        .modelName(ShippedModel.DEFAULT)
        .modelDir(directory.resolve("model-store").toString())
        .stateDir(directory.resolve("streams"))
        .httpPort(httpPort == 0 ? -1 : httpPort)
        .toMap();
  }

  private Path directory(Teardown teardown) throws IOException {
    if (dataDir != null) {
      return dataDir;
    }
    Path temporary = Files.createTempDirectory("hyperstream-demo-").toAbsolutePath();
    teardown.add("the temporary data", () -> StoreFiles.deleteTree(temporary));
    return temporary;
  }

  private void defineTasks(Connection connection) throws IOException, InterruptedException {
    List<TaskDefinition> definitions;
    try (InputStream in = DemoCommand.class.getResourceAsStream(DemoSentence.TASKS)) {
      definitions = TaskYaml.read(DemoSentence.TASKS, in);
    }
    new TaskTopic(connection, console).create(definitions);
    note("Defined " + definitions.size() + " tasks, one record each.");
  }

  private DemoSummary stream(Connection connection, long startMillis) throws Exception {
    List<DemoSentence> sentences = DemoSentence.all();
    PrintStream out = "-".equals(json) ? console.err() : console.out();
    boolean terminal = "-".equals(json) ? console.errIsTerminal() : console.outIsTerminal();
    try (LiveTable table = new LiveTable(out, terminal, console.width());
        ProgressBar progress =
            new ProgressBar(console, "all at once", ProgressBar.Unit.ROWS, sentences.size());
        DemoTraffic traffic = new DemoTraffic(connection, sentences, table, progress)) {
      traffic.run();
      table.finish();
      DemoSummary.Adaptation adaptation = teach(connection, traffic, out);
      traffic.finish();
      DemoSummary summary =
          traffic
              .results()
              .summary(
                  traffic.throughput(),
                  adaptation,
                  peakMegabytes(),
                  startMillis,
                  millisSinceStart());
      out.println();
      explain(traffic.results().refused(), out);
      summary.lines(traffic.pacedRate()).forEach(out::println);
      writeJson(summary);
      return summary;
    }
  }

  private DemoSummary.Adaptation teach(Connection connection, DemoTraffic traffic, PrintStream out)
      throws Exception {
    try (DemoTeaching teaching = new DemoTeaching(connection, console, traffic, out)) {
      return teaching.run();
    }
  }

  private static void explain(List<DemoResults.Refused> refused, PrintStream out) {
    out.println("Sent on purpose, could not be answered, and are in the dead letters:");
    for (DemoResults.Refused letter : refused) {
      out.println(
          String.format(
              Locale.ROOT, "  %-18s %s", letter.code(), Rendering.oneLine(letter.message())));
    }
    out.println();
  }

  private void writeJson(DemoSummary summary) {
    if (json == null) {
      return;
    }
    if (json.equals("-")) {
      console.printJson(summary);
      return;
    }
    JsonFile.write(Path.of(json), summary);
  }

  private void keepRunning(EmbeddedCluster cluster, HyperstreamApplication application)
      throws Exception {
    note("");
    note("Still running; Ctrl-C stops. From another terminal:");
    String where =
        " --bootstrap-servers "
            + cluster.bootstrapServers()
            + " --schema-registry-url "
            + cluster.schemaRegistryUrl();
    note("  echo 'my card was stolen' | hyperstream produce --task bank-intent" + where);
    note("  hyperstream consume --follow --from-beginning" + where);
    note("  http://127.0.0.1:" + application.port() + "/health  /prometheus");
    application.ended().get();
  }

  /** Of this process; null where the system does not tell. */
  private static Long peakMegabytes() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      return lines
          .filter(line -> line.startsWith("VmHWM:"))
          .map(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
          .findFirst()
          .orElse(null);
    } catch (IOException e) {
      return null;
    }
  }

  private long millisSinceStart() {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started);
  }

  private void note(String line) {
    console.note(line);
  }
}
