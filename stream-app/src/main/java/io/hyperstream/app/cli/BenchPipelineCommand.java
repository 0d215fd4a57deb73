package io.hyperstream.app.cli;

import io.hyperstream.app.cli.PipelineBench.Plan;
import io.hyperstream.app.config.EngineSettings;
import io.hyperstream.app.config.ModelSettings;
import io.hyperstream.app.config.SettingNames;
import io.hyperstream.app.config.StreamsSettings;
import io.hyperstream.model.bench.BenchRow;
import io.hyperstream.model.bench.Machine;
import io.hyperstream.model.bench.OpponentFactory;
import io.hyperstream.model.bench.OtherLoad;
import io.hyperstream.model.store.StoreFiles;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.schemas.TaskDefinition;
import io.micronaut.context.ApplicationContext;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "pipeline",
    mixinStandardHelpOptions = true,
    description = {
      "What the pipeline makes of the engine: requests through a real Kafka, the application in"
          + " processes of its own, as `hyperstream serve` starts it. In one run, in turn:",
      "  throughput of the engine alone, of the application, and of a second application with"
          + " other settings or a plain consumer (--against), on the same texts with the same model"
          + " and threads;",
      "  latency at 20, 50 and 80 %% of that throughput: requests leave on a fixed schedule,"
          + " whatever comes back, and latency counts from when each was due to its committed"
          + " answer;",
      "  new versions: from the commit of a version to the first committed answer by it;",
      "  memory of the application's process.",
      "`--against plain-consumer` is what one would write in a day: Kafka's consumer and producer in a"
          + " loop around ONNX Runtime, at least once, in a process of its own. Topics, records,"
          + " tokenizer and threads of the model are the application's; labels are chosen by the"
          + " cosine to vectors made once. Texts that are pairs are left out on both sides. Rows"
          + " .against are the plain consumer's.",
      "Exits with 5 if it could not measure cleanly: an answer was lost, doubled or refused, the"
          + " ratios of the rounds are spread by more than --max-spread, requests left more than"
          + " 25 ms late (1 %% of a load), it did not keep up, or others (neither this process nor one"
          + " it started) had more than 5 %% of the processors' time."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream bench pipeline",
      "  Against a plain consumer (build it with `" + Opponents.BUILD + "`):",
      "    hyperstream bench pipeline --against plain-consumer",
      "  What a setting is worth, side by side:",
      "    hyperstream bench pipeline --against hyperstream.streams.commit-interval=50ms",
      "  Your texts, your cluster (topics of their own, removed at the end):",
      "    hyperstream bench pipeline --texts texts.tsv --bootstrap-servers kafka:9092 \\",
      "      --schema-registry-url http://registry:8081",
      "  Memory over an hour, and where the time goes:",
      "    hyperstream bench pipeline --soak 1h",
      "    hyperstream bench pipeline --java-option"
          + " -XX:StartFlightRecording=filename=pipeline.jfr"
    })
final class BenchPipelineCommand implements Callable<Integer> {
  private static final long START_SECONDS = 300;

  private final Console console;

  @Mixin private ModelChoice model;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Threads of the model's arithmetic, in the application and alone. Default: half the"
              + " processors, as the application's.")
  private int threads;

  @Option(
      names = "--texts",
      paramLabel = "FILE",
      description =
          "Texts to ask: lines, .tsv or .jsonl, as for `produce`. Rows without a task go to the"
              + " tasks in turn. Default: the demo's sentences.")
  private Path texts;

  @Option(
      names = "--tasks",
      paramLabel = "FILE.yaml",
      description = "Tasks, as for `tasks create`. Default: the demo's.")
  private Path tasks;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "5",
      description = "Of engine and both applications in turn. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "3",
      description =
          "Of each part of a round; a load lasts twice as long. Default: ${DEFAULT-VALUE}.")
  private double seconds;

  @Option(
      names = "--swaps",
      paramLabel = "N",
      defaultValue = "100",
      description = "New versions to time. Default: ${DEFAULT-VALUE}.")
  private int swaps;

  @Option(
      names = "--soak",
      paramLabel = "TIME",
      defaultValue = "0s",
      converter = AdaptationOrder.DurationConverter.class,
      description = "Watch the memory under full load for this long, such as 20m. Default: off.")
  private Duration soak;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A setting of the application (application.yml); repeatable.")
  private Map<String, String> set = new LinkedHashMap<>();

  @Option(
      names = "--against",
      paramLabel = "KEY=VALUE|plain-consumer",
      description =
          "What the second application has different, repeatable; or plain-consumer, a loop around"
              + " ONNX Runtime instead of an application. Default:"
              + " hyperstream.streams.guarantee=at_least_once.")
  private List<String> against = new ArrayList<>();

  @Option(
      names = "--java-option",
      paramLabel = "OPTION",
      description = "For the application's virtual machine, as in -Xmx512m; repeatable.")
  private List<String> javaOptions = new ArrayList<>();

  @Option(
      names = "--bootstrap-servers",
      paramLabel = "HOST:PORT,..",
      description = "A cluster of yours. Default: an embedded one.")
  private String bootstrapServers;

  @Option(
      names = "--schema-registry-url",
      paramLabel = "URL",
      description = "Its schema registry. Default: an embedded one.")
  private String schemaRegistryUrl;

  @Option(
      names = "--command-config",
      paramLabel = "FILE",
      description = "Java properties for TLS, SASL and the registry's credentials.")
  private Path commandConfig;

  @Option(
      names = "--max-spread",
      paramLabel = "SHARE",
      defaultValue = "0.2",
      description =
          "Interquartile range over median of the rounds' ratios, at most. Default:"
              + " ${DEFAULT-VALUE}.")
  private double maxSpread;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the rows there too, as one JSON object.")
  private Path json;

  @Spec private CommandSpec spec;

  private Map<String, Object> common = Map.of();
  private OptionalDouble others = OptionalDouble.empty();

  BenchPipelineCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    check();
    Optional<Map<String, String>> different = different();
    Optional<OpponentFactory> plain =
        different.isEmpty() ? Optional.of(Opponents.onnxRuntime()) : Optional.empty();
    StoredModel stored = model.load(); // before anything is started
    plain.ifPresent(factory -> check(factory, stored));
    List<String> doubts = new ArrayList<>();
    try (Teardown teardown = Teardown.alsoOnSignal(console)) {
      print(measure(teardown, stored, different, doubts), doubts);
    }
    doubts.forEach(doubt -> console.note("not measured cleanly: " + doubt));
    return doubts.isEmpty() ? ExitCodes.OK : ExitCodes.NOT_CLEAN;
  }

  /** What the second application has different; empty for a plain consumer instead. */
  private Optional<Map<String, String>> different() {
    if (against.contains(BenchPlainConsumerCommand.NAME)) {
      if (against.size() > 1) {
        throw CommandFailure.usage(
            "--against " + BenchPlainConsumerCommand.NAME + " goes with no other --against");
      }
      return Optional.empty();
    }
    Map<String, String> settings = new LinkedHashMap<>();
    for (String setting : against) {
      int equals = setting.indexOf('=');
      if (equals < 1) {
        throw CommandFailure.usage(
            "--against takes KEY=VALUE or "
                + BenchPlainConsumerCommand.NAME
                + ", got '"
                + setting
                + "'");
      }
      settings.put(setting.substring(0, equals), setting.substring(equals + 1));
    }
    requireSettings("--against", settings);
    if (settings.isEmpty()) {
      settings.put("hyperstream.streams.guarantee", "at_least_once");
    }
    return Optional.of(settings);
  }

  private static void requireSettings(String option, Map<String, String> settings) {
    try {
      settings.keySet().forEach(SettingNames::require);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(option + ": " + e.getMessage());
    }
  }

  private static void check(OpponentFactory factory, StoredModel stored) {
    try {
      factory.formats(stored.name());
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(e.getMessage());
    }
  }

  /** A table whose first lines say what holds for all rows, and a file. */
  private void print(List<BenchRow> rows, List<String> doubts) {
    Map<String, Object> machine = Machine.describe();
    machine.putAll(common); // the model's threads are the application's
    machine.forEach((what, value) -> console.print("# " + what + ": " + value));
    console.print("# others: " + BenchOptions.described(others));
    for (BenchRow row : rows) {
      Map<String, Object> own = new LinkedHashMap<>(row.config());
      own.keySet().removeAll(common.keySet());
      console.print(BenchOptions.line(row.withConfig(own)));
    }
    if (json != null) {
      Map<String, Object> run = new LinkedHashMap<>();
      run.put("command", spec.qualifiedName());
      run.put("arguments", spec.commandLine().getParseResult().originalArgs());
      run.put("at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
      run.put("machine", machine);
      run.put("otherLoad", others.isPresent() ? others.getAsDouble() : null);
      run.put("doubts", doubts);
      run.put("rows", rows.stream().map(BenchRow::toMap).toList());
      JsonFile.write(json, run);
    }
  }

  private void check() {
    if ((bootstrapServers == null) != (schemaRegistryUrl == null)) {
      throw CommandFailure.usage(
          "--bootstrap-servers and --schema-registry-url go together; without both an embedded"
              + " cluster is started");
    }
    if (texts == null && tasks != null) {
      throw CommandFailure.usage("--tasks goes with --texts: the demo's sentences have its tasks");
    }
    requireSettings("--set", set);
    require("--rounds", rounds, 1, 1000);
    require("--seconds", seconds, 0.1, 3600);
    require("--swaps", swaps, 0, 100_000);
    require("--threads", threads, 0, 1024);
    require("--max-spread", maxSpread, 0, 10);
    JsonFile.check(json);
  }

  private static void require(String option, double value, double min, double max) {
    if (!(value >= min && value <= max)) {
      throw CommandFailure.usage(
          "%s must be %s to %s; it is %s"
              .formatted(option, number(min), number(max), number(value)));
    }
  }

  /** Without a fraction where there is none. */
  private static String number(double value) {
    return value == Math.rint(value) && !Double.isInfinite(value)
        ? String.valueOf((long) value)
        : String.valueOf(value);
  }

  private List<BenchRow> measure(
      Teardown teardown,
      StoredModel stored,
      Optional<Map<String, String>> different,
      List<String> doubts)
      throws Exception {
    if (threads > 0) {
      set.put("hyperstream.model.threads", Integer.toString(threads));
    }
    BenchTexts asked = texts(different.isEmpty());
    Plan plan = new Plan(rounds, seconds, swaps, soak, maxSpread);
    Path folder = Files.createTempDirectory("hyperstream-bench-").toAbsolutePath();
    teardown.add("the temporary data", () -> StoreFiles.deleteTree(folder));
    try (ProgressBar progress =
            new ProgressBar(
                console, "bench pipeline", ProgressBar.Unit.RUNS, PipelineBench.steps(plan));
        Settings settings = new Settings(set)) {
      progress.at(0, PipelineBench.steps(plan), "starting Kafka and the applications");
      BenchCluster cluster =
          bootstrapServers == null
              ? BenchCluster.embedded(teardown, folder)
              : BenchCluster.external(folder, bootstrapServers, schemaRegistryUrl, commandConfig);
      BenchCluster.Place first = cluster.place("a");
      BenchCluster.Place second = cluster.place("b");
      BenchApplication base = application(teardown, first, Map.of());
      // One after the other: an application measures at its start how much it may take on at once.
      base.awaitServing(START_SECONDS);
      BenchApplication other =
          different.isPresent()
              ? application(teardown, second, different.get())
              : second.startPlainConsumer(
                  teardown, javaOptions, model, settings.threads(), asked, console);
      other.awaitServing(START_SECONDS);
      first.define(asked, console);
      if (different.isPresent()) {
        second.define(asked, console);
      }
      String label =
          different.map(BenchPipelineCommand::described).orElse(BenchPlainConsumerCommand.NAME);
      try (EngineBaseline engine = settings.engine(stored, asked)) {
        common = settings.config(this, asked);
        PipelineBench bench =
            new PipelineBench(
                engine,
                first.side(teardown, "as configured", base, asked),
                second.side(teardown, label, other, asked),
                plan,
                common,
                progress);
        OtherLoad load = OtherLoad.watch();
        List<BenchRow> measured = bench.run();
        others = load.share();
        doubts.addAll(bench.doubts());
        BenchOptions.doubt(others).ifPresent(doubts::add);
        return measured;
      }
    }
  }

  private BenchApplication application(
      Teardown teardown, BenchCluster.Place place, Map<String, String> different) throws Exception {
    Map<String, String> settings = new LinkedHashMap<>(set);
    settings.putAll(different);
    List<String> options = new ArrayList<>(javaOptions);
    settings.forEach((key, value) -> options.add("-D" + key + "=" + value));
    return place.start(teardown, options, model);
  }

  /** What is asked; a plain consumer answers texts alone, not pairs. */
  private BenchTexts texts(boolean withoutPairs) throws IOException {
    BenchTexts asked = texts();
    if (!withoutPairs) {
      return asked;
    }
    BenchTexts single = asked.withoutPairs();
    if (single.texts().isEmpty()) {
      throw CommandFailure.usage(
          "every text has a pair, and " + BenchPlainConsumerCommand.NAME + " answers single texts");
    }
    return single;
  }

  private BenchTexts texts() throws IOException {
    List<TaskDefinition> defined;
    if (tasks == null) {
      defined = BenchTexts.demoTasks();
    } else {
      try (InputStream in = InputOptions.open(console, tasks.toString())) {
        defined = TaskYaml.read(tasks.toString(), in);
      }
    }
    return texts == null ? BenchTexts.ofDemo(defined) : BenchTexts.ofFile(texts, defined);
  }

  static String described(Map<String, String> settings) {
    List<String> all = new ArrayList<>();
    settings.forEach(
        (key, value) -> all.add(key.replaceFirst("^hyperstream\\.", "") + "=" + value));
    return String.join(" ", all);
  }

  /** What the application is configured with. */
  private static final class Settings implements AutoCloseable {
    private final ApplicationContext context;

    Settings(Map<String, String> set) {
      context =
          ApplicationContext.builder().properties(new LinkedHashMap<>(set)).banner(false).start();
    }

    EngineBaseline engine(StoredModel model, BenchTexts texts) throws IOException {
      EngineSettings engine = context.getBean(EngineSettings.class);
      return new EngineBaseline(
          model, texts, threads(), engine.maxBatchRows(), engine.maxBatchTokens());
    }

    /** Of the model's arithmetic; 0 stands for half the processors. */
    private int threads() {
      int configured = context.getBean(ModelSettings.class).threads();
      return configured > 0
          ? configured
          : Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    }

    Map<String, Object> config(BenchPipelineCommand command, BenchTexts texts) {
      EngineSettings engine = context.getBean(EngineSettings.class);
      Map<String, Object> config = new LinkedHashMap<>();
      config.put("processors", Runtime.getRuntime().availableProcessors());
      config.put("kafka", command.bootstrapServers == null ? "embedded" : "external");
      config.put("model", command.model.model);
      config.put("threads", threads());
      config.put("streamThreads", context.getBean(StreamsSettings.class).threads());
      config.put("batchRows", engine.maxBatchRows());
      config.put("texts", texts.texts().size());
      config.put("tasks", texts.tasks().size());
      return config;
    }

    @Override
    public void close() {
      context.close();
    }
  }
}
