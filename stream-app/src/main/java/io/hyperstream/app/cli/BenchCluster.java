package io.hyperstream.app.cli;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.cli.PipelineBench.Side;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.model.store.ModelStores;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Subjects;
import io.hyperstream.schemas.Topic;
import java.io.IOException;
import java.nio.file.Path;
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
      List<String> arguments =
          new ArrayList<>(
              List.of(
                  "--roles=inference",
                  "--bootstrap-servers=" + bootstrapServers,
                  "--schema-registry-url=" + schemaRegistryUrl,
                  "--topic-prefix=" + prefix,
                  "--http-port=0",
                  "--model=" + model.model,
                  "--model-dir=" + ModelStores.absolute(model.store.location)));
      if (commandConfig != null) {
        arguments.add("--command-config=" + commandConfig);
      }
      if (!embedded) {
        teardown.add("the topics of the benchmark", this::remove);
      }
      return teardown.start(
          "the application",
          () -> BenchApplication.start(options, arguments, folder.resolve(prefix + "log")));
    }

    /** Defines the tasks and makes a client. */
    Side side(
        Teardown teardown,
        String label,
        BenchApplication application,
        BenchTexts asked,
        Console console)
        throws IOException, InterruptedException {
      Connection cluster = options().connect();
      new TaskTopic(cluster, console).create(asked.tasks());
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
        deleteGroup(admin);
        List<String> subjects = new ArrayList<>(registry.getAllSubjects());
        subjects.retainAll(Subjects.of(cluster.topics()).keySet());
        for (String subject : subjects) {
          registry.deleteSubject(subject);
        }
      }
    }

    private void deleteGroup(Admin admin) throws InterruptedException {
      try {
        admin.deleteConsumerGroups(List.of(prefix + "hyperstream-inference")).all().get();
      } catch (ExecutionException e) {
        // It never came to be, or is of another protocol; brokers forget empty groups.
      }
    }
  }
}
