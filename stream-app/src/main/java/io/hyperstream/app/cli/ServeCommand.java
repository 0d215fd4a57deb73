package io.hyperstream.app.cli;

import io.hyperstream.app.HyperstreamApplication;
import io.hyperstream.app.config.KafkaSettings;
import io.hyperstream.app.config.RoleSettings;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.schemas.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The application, until it is stopped. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = {
      "Run the application until stopped: answer the requests of a cluster and adapt its tasks to"
          + " their labels. HTTP, by default on port 8080 of this machine only, has a dashboard (/)"
          + " and an API (/api/docs); to be reached by others it wants keys, see `hyperstream api-key"
          + " --help`.",
      "With --embedded it brings its own Kafka and schema registry, kept under --data-dir."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  Everything on this machine, no Docker:",
      "    hyperstream serve --embedded",
      "  Against your cluster; several processes share the work:",
      "    hyperstream serve --bootstrap-servers kafka:9092 \\",
      "      --schema-registry-url http://registry:8081 --command-config client.properties",
      "  Training on machines of its own, so that it takes nothing from the answers:",
      "    hyperstream serve --roles inference ...     and elsewhere",
      "    hyperstream serve --roles adaptation ...",
      "",
      "Everything else is configuration: application.yml explains every key; set one in a file"
          + " (--config my.yml) or as an environment variable"
          + " (HYPERSTREAM_STREAMS_THREADS=4). Ctrl-C or SIGTERM finishes what was polled and stops."
    })
final class ServeCommand implements Callable<Integer> {
  private static final Duration START_PATIENCE = Duration.ofMinutes(10);

  private final Console console;

  @Option(names = "--embedded", description = "Also start Kafka and a schema registry.")
  private boolean embedded;

  @Option(
      names = "--bootstrap-servers",
      paramLabel = "HOST:PORT,..",
      defaultValue = "${env:HYPERSTREAM_KAFKA_BOOTSTRAP_SERVERS}",
      description = "Kafka's brokers. Environment: HYPERSTREAM_KAFKA_BOOTSTRAP_SERVERS.")
  private String bootstrapServers;

  @Option(
      names = "--schema-registry-url",
      paramLabel = "URL",
      defaultValue = "${env:HYPERSTREAM_REGISTRY_URL}",
      description = "The schema registry. Environment: HYPERSTREAM_REGISTRY_URL.")
  private String schemaRegistryUrl;

  @Option(
      names = "--topic-prefix",
      paramLabel = "PREFIX",
      defaultValue = "${env:HYPERSTREAM_KAFKA_TOPIC_PREFIX:-}",
      description = "Prefix of every topic name. Environment: HYPERSTREAM_KAFKA_TOPIC_PREFIX.")
  private String topicPrefix;

  @Option(
      names = "--command-config",
      paramLabel = "FILE",
      defaultValue = "${env:HYPERSTREAM_COMMAND_CONFIG}",
      description = "Java properties for TLS, SASL and the registry's credentials.")
  private Path commandConfig;

  @Option(
      names = "--config",
      paramLabel = "FILE.yml",
      description = "The application's configuration, over the defaults of application.yml.")
  private Path config;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      defaultValue = "${env:HYPERSTREAM_DATA_DIR:-${sys:user.home}/.hyperstream}",
      description =
          "Where embedded Kafka and registry keep their data. Environment: HYPERSTREAM_DATA_DIR."
              + " Default: ~/.hyperstream.")
  private Path dataDir;

  @Option(
      names = "--kafka-port",
      paramLabel = "PORT",
      defaultValue = "9092",
      description = "Of the embedded broker; 0: a free one. Default: 9092.")
  private int kafkaPort;

  @Option(
      names = "--registry-port",
      paramLabel = "PORT",
      defaultValue = "8081",
      description = "Of the embedded registry; 0: a free one. Default: 8081.")
  private int registryPort;

  @Option(
      names = "--http-port",
      paramLabel = "PORT",
      description =
          "Dashboard, API, health and metrics; 0: a free one. Default: as configured, 8080.")
  private Integer httpPort;

  @Option(
      names = "--roles",
      paramLabel = "ROLE,..",
      split = ",",
      description =
          "What this process does: inference, adaptation or both. Default: as configured, both.")
  private Set<String> roles;

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      description =
          "NAME, NAME@VERSION or an id. Default: as configured, " + ShippedModel.DEFAULT + ".")
  private String model;

  @Option(
      names = "--model-dir",
      paramLabel = "DIR|URL",
      description =
          "The model store: a folder, or s3://BUCKET/PREFIX. Default: as configured, ~/.hyperstream/model-store.")
  private String modelDir;

  ServeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    check();
    ApplicationProperties properties = given();
    try (Teardown teardown = Teardown.alsoOnSignal(console)) {
      if (embedded) {
        serveEmbedded(properties, teardown);
      } else {
        serveExternal(properties, teardown);
      }
    }
    return ExitCodes.OK;
  }

  /** Only what was given: the rest is up to the configuration. */
  private ApplicationProperties given() {
    ApplicationProperties properties = new ApplicationProperties();
    if (roles != null) {
      properties.roles(roles);
    }
    if (model != null) {
      properties.modelName(model);
    }
    if (modelDir != null) {
      properties.modelDir(modelDir);
    }
    if (httpPort != null) {
      properties.httpPort(httpPort == 0 ? -1 : httpPort);
    }
    if (!topicPrefix.isEmpty()) {
      properties.topicPrefix(topicPrefix);
    }
    return properties;
  }

  private void check() {
    if (embedded && (bootstrapServers != null || schemaRegistryUrl != null)) {
      throw CommandFailure.usage(
          "--embedded brings its own Kafka and registry; leave out --bootstrap-servers and"
              + " --schema-registry-url (also in the environment), or leave out --embedded");
    }
    if (!embedded && config == null && (bootstrapServers == null || schemaRegistryUrl == null)) {
      throw CommandFailure.usage(
          "name the cluster with --bootstrap-servers and --schema-registry-url (or in a file with"
              + " --config), or let it bring its own with --embedded");
    }
    if (roles != null) {
      try {
        new RoleSettings(roles);
      } catch (IllegalArgumentException e) {
        throw CommandFailure.usage("--roles: " + e.getMessage());
      }
    }
    try {
      Topics.Settings.defaults().withPrefix(topicPrefix);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage("--topic-prefix: " + e.getMessage());
    }
    for (int port : new int[] {kafkaPort, registryPort, httpPort == null ? 0 : httpPort}) {
      checkPort(port);
    }
    if (config != null) {
      if (!Files.isRegularFile(config)) {
        throw CommandFailure.usage("--config: no such file: " + config);
      }
      System.setProperty("micronaut.config.files", config.toAbsolutePath().toString());
    }
  }

  private void serveExternal(ApplicationProperties properties, Teardown teardown) throws Exception {
    ConnectionOptions options = new ConnectionOptions();
    options.commandConfig = commandConfig;
    properties.clientSettings(options.settings());
    if (bootstrapServers != null && schemaRegistryUrl != null) {
      properties.cluster(bootstrapServers, schemaRegistryUrl);
    }
    HyperstreamApplication application = start(properties, teardown);
    console.note(
        "Hyperstream is serving. "
            + (application.offersApi()
                ? "Dashboard: "
                    + http(application)
                    + "  API: "
                    + application.contextPath()
                    + "/api/docs  "
                : "")
            + "Health and metrics: "
            + http(application)
            + "/health and /prometheus. Ctrl-C stops.");
    awaitEnd(application);
  }

  private void serveEmbedded(ApplicationProperties properties, Teardown teardown) throws Exception {
    console.note("Starting Kafka and the schema registry under " + dataDir + " ...");
    EmbeddedCluster cluster =
        teardown.start(
            "embedded Kafka and registry",
            () ->
                EmbeddedCluster.start(
                    EmbeddedCluster.Options.in(dataDir).withPorts(kafkaPort, registryPort)));
    properties
        .cluster(cluster.bootstrapServers(), cluster.schemaRegistryUrl())
        .stateDir(dataDir.resolve("streams"));
    HyperstreamApplication application = start(properties, teardown);
    List<String> tasks = defineOnFirstStart(cluster, application);
    banner(cluster, application, tasks);
    awaitEnd(application);
  }

  private HyperstreamApplication start(ApplicationProperties properties, Teardown teardown)
      throws Exception {
    HyperstreamApplication application =
        teardown.start("the application", () -> HyperstreamApplication.start(properties.toMap()));
    application.awaitRunning(START_PATIENCE);
    return application;
  }

  private static void awaitEnd(HyperstreamApplication application) throws InterruptedException {
    try {
      application.ended().get();
    } catch (ExecutionException e) {
      throw CommandFailure.failed(
          "the application ended by itself: " + Failures.sentence(e.getCause(), true),
          e.getCause());
    }
  }

  /** A new cluster has no task and could answer nothing: it gets those the model knows, if any. */
  private List<String> defineOnFirstStart(
      EmbeddedCluster cluster, HyperstreamApplication application)
      throws IOException, InterruptedException {
    String prefix = application.context().getBean(KafkaSettings.class).topicPrefix();
    Topics topics = new Topics(Topics.Settings.defaults().withPrefix(prefix));
    try (Connection connection =
        new Connection(cluster.bootstrapServers(), cluster.schemaRegistryUrl(), topics, Map.of())) {
      TaskTopic tasks = new TaskTopic(connection, console);
      if (tasks.isUntouched()) {
        StoredModel stored = application.context().getBean(StoredModel.class);
        tasks.create(TasksCreateCommand.fromModel(stored.sourceTasks(), List.of()));
      }
      return List.copyOf(tasks.read().keySet());
    }
  }

  private void banner(
      EmbeddedCluster cluster, HyperstreamApplication application, List<String> tasks) {
    String http = http(application);
    String where = whereOptions(cluster);
    console.note("");
    console.note("Hyperstream is serving.");
    console.note("  Kafka            " + cluster.bootstrapServers());
    console.note("  schema registry  " + cluster.schemaRegistryUrl());
    if (application.offersApi()) {
      console.note("  dashboard        " + http + "/");
      console.note("  API              " + http + "/api/docs");
    }
    console.note("  health, metrics  " + http + "/health  " + http + "/prometheus");
    console.note("  data             " + cluster.dataDirectory());
    console.note(
        "  tasks            "
            + (tasks.isEmpty()
                ? "none yet; define one: hyperstream tasks create -f FILE.yaml" + where
                : tasks.size() + " (hyperstream tasks list)"));
    if (!tasks.isEmpty()) {
      String task = tasks.contains("clinc_banking") ? "clinc_banking" : tasks.get(0);
      console.note("Try in another terminal:");
      console.note("  echo 'my card was stolen' | hyperstream produce --task " + task + where);
      console.note("  hyperstream consume --follow --from-beginning" + where);
    }
    console.note("Ctrl-C stops.");
  }

  private static String http(HyperstreamApplication application) {
    return "http://127.0.0.1:" + application.port() + application.contextPath();
  }

  /** Options that other commands need to find this cluster; nothing if it is where they look. */
  private static String whereOptions(EmbeddedCluster cluster) {
    String options = "";
    if (!cluster.bootstrapServers().equals(ConnectionOptions.EMBEDDED_BOOTSTRAP)) {
      options += " --bootstrap-servers " + cluster.bootstrapServers();
    }
    if (!cluster.schemaRegistryUrl().equals(ConnectionOptions.EMBEDDED_REGISTRY)) {
      options += " --schema-registry-url " + cluster.schemaRegistryUrl();
    }
    return options;
  }

  static void checkPort(int port) {
    if (port < 0 || port > 65_535) {
      throw CommandFailure.usage("a port is 1 to 65535, or 0 for a free one; got " + port);
    }
  }
}
