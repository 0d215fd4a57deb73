package io.hyperstream.app.cli;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.cli.PipelineBench.Side;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.model.store.ModelStores;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Subjects;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.TopicProvisioner;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;

/**
 * Where {@code bench pipeline} measures: a cluster of its own, or someone's, in which it has topics
 * of its own for each application and removes them. One thread.
 */
final class BenchCluster {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final Path folder;
  private final String bootstrapServers;
  private final String schemaRegistryUrl;
  private final Path commandConfig; // null: none
  private final boolean embedded;
  private final String run = "bench-" + UUID.randomUUID().toString().substring(0, 8);

  private BenchCluster(
      Path folder,
      String bootstrapServers,
      String schemaRegistryUrl,
      Path commandConfig,
      boolean embedded) {
    this.folder = folder;
    this.bootstrapServers = bootstrapServers;
    this.schemaRegistryUrl = schemaRegistryUrl;
    this.commandConfig = commandConfig;
    this.embedded = embedded;
  }

  /** Starts one in this process; it ends with the command. */
  static BenchCluster embedded(Teardown teardown, Path folder) throws Exception {
    EmbeddedCluster cluster =
        teardown.start(
            "embedded Kafka and registry",
            () -> EmbeddedCluster.start(EmbeddedCluster.Options.in(folder.resolve("cluster"))));
    return new BenchCluster(
        folder, cluster.bootstrapServers(), cluster.schemaRegistryUrl(), null, true);
  }

  /**
   * Someone's.
   *
   * @param commandConfig null: none
   */
  static BenchCluster external(
      Path folder, String bootstrapServers, String schemaRegistryUrl, Path commandConfig) {
    return new BenchCluster(folder, bootstrapServers, schemaRegistryUrl, commandConfig, false);
  }

  /** Topics of one application. */
  Place place(String name) {
    return new Place(run + "-" + name + ".");
  }

  /** One application's topics. */
  final class Place {
    private final String prefix;

    private Place(String prefix) {
      this.prefix = prefix;
    }

    /** Begins to start the application. */
    BenchApplication start(Teardown teardown, List<String> javaOptions, ModelChoice model)
        throws Exception {
      List<String> options = new ArrayList<>(javaOptions);
      options.add("-Dhyperstream.streams.state-dir=" + folder.resolve(prefix + "state"));
      return start(
          teardown,
          "the application",
          BenchApplication.SERVING,
          options,
          List.of("serve", "--roles=inference", "--http-port=0"),
          model);
    }

    /**
     * Makes topics, schemas and tasks, which an application makes or waits for by itself, and
     * begins to start a {@link PlainConsumer}.
     *
     * @param threads of the model's arithmetic
     */
    BenchApplication startPlainConsumer(
        Teardown teardown,
        List<String> javaOptions,
        ModelChoice model,
        int threads,
        BenchTexts asked,
        Console console)
        throws Exception {
      try (Connection cluster = options().connect();
          Admin admin = cluster.admin();
          SchemaRegistryClient registry =
              SchemaRegistries.connect(schemaRegistryUrl, options().settings())) {
        new TopicProvisioner(admin, (short) -1).ensure(cluster.topics().all(), true, PATIENCE);
        new SchemaRegistrar(registry, cluster.topics()).register(PATIENCE);
      }
      define(asked, console);
      return start(
          teardown,
          "the plain consumer",
          BenchPlainConsumerCommand.READY,
          javaOptions,
          List.of("bench", BenchPlainConsumerCommand.NAME, "--threads=" + threads),
          model);
    }

    private BenchApplication start(
        Teardown teardown,
        String what,
        String ready,
        List<String> javaOptions,
        List<String> command,
        ModelChoice model)
        throws Exception {
      List<String> arguments = new ArrayList<>(command);
      arguments.add("--bootstrap-servers=" + bootstrapServers);
      arguments.add("--schema-registry-url=" + schemaRegistryUrl);
      arguments.add("--topic-prefix=" + prefix);
      arguments.add("--model=" + model.model);
      arguments.add("--model-dir=" + ModelStores.absolute(model.store.location));
      if (commandConfig != null) {
        arguments.add("--command-config=" + commandConfig);
      }
      if (!embedded) {
        teardown.add("the topics of the benchmark", this::remove);
      }
      return teardown.start(
          what,
          () ->
              BenchApplication.start(
                  what, ready, javaOptions, arguments, folder.resolve(prefix + "log")));
    }

    /** Defines the tasks. */
    void define(BenchTexts asked, Console console) throws IOException, InterruptedException {
      try (Connection cluster = options().connect()) {
        new TaskTopic(cluster, console).create(asked.tasks());
      }
    }

    /** Makes a client. */
    Side side(Teardown teardown, String label, BenchApplication application, BenchTexts asked)
        throws IOException {
      Connection cluster = options().connect();
      BenchTraffic traffic = new BenchTraffic(cluster, asked, application::requireAlive);
      return teardown.add("the benchmark's client", new Side(label, application, cluster, traffic));
    }

    private ConnectionOptions options() {
      ConnectionOptions options = new ConnectionOptions();
      options.bootstrapServers = bootstrapServers;
      options.schemaRegistryUrl = schemaRegistryUrl;
      options.topicPrefix = prefix;
      options.commandConfig = commandConfig;
      return options;
    }

    /** Topics, group and subjects, as far as they came to be. */
    private void remove() throws Exception {
      try (Connection cluster = options().connect();
          Admin admin = cluster.admin();
          SchemaRegistryClient registry =
              SchemaRegistries.connect(schemaRegistryUrl, options().settings())) {
        List<String> ours = cluster.topics().all().stream().map(Topic::name).toList();
        List<String> topics =
            admin.listTopics().names().get().stream().filter(ours::contains).toList();
        admin.deleteTopics(topics).all().get();
        deleteGroup(admin, prefix + "hyperstream-inference");
        deleteGroup(admin, BenchPlainConsumerCommand.group(prefix));
        List<String> subjects = new ArrayList<>(registry.getAllSubjects());
        subjects.retainAll(Subjects.of(cluster.topics()).keySet());
        for (String subject : subjects) {
          registry.deleteSubject(subject);
        }
      }
    }

    private void deleteGroup(Admin admin, String group) throws InterruptedException {
      try {
        admin.deleteConsumerGroups(List.of(group)).all().get();
      } catch (ExecutionException e) {
        // It never came to be, or is of another protocol; brokers forget empty groups.
      }
    }
  }
}
