package io.hyperstream.app.faults;

import static org.awaitility.Awaitility.await;

import io.confluent.kafka.schemaregistry.client.SchemaRegistryClient;
import io.hyperstream.app.embedded.EmbeddedCluster;
import io.hyperstream.app.inference.SharedCluster;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistrar;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.TopicProvisioner;
import io.hyperstream.schemas.Topics;
import io.hyperstream.testing.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;

/**
 * The environment of a fault run: topics of its own, and the application, started as often as
 * needed. Its processes' output is kept under {@code target/faults}.
 */
final class FaultEnvironment implements AutoCloseable {
  /** For anything that should be a matter of seconds, on a machine that is busy. */
  static final Duration PATIENCE = Duration.ofMinutes(3);

  private final EmbeddedCluster cluster = SharedCluster.cluster();
  private final Topics topics;
  private final SchemaRegistryClient registry;
  private final RecordCodec codec;
  private final Map<String, String> settings = new TreeMap<>();
  private final Path folder;
  private final List<ServeProcess> processes = new ArrayList<>();
  private Duration longestRestart = Duration.ZERO;

  /**
   * @param name prefix of its topics, group and folder
   * @param overrides of the application's settings, without {@code hyperstream.}
   */
  FaultEnvironment(String name, Map<String, String> overrides) throws Exception {
    topics = new Topics(Topics.Settings.defaults().withPrefix(name + "."));
    registry = SchemaRegistries.connect(cluster.schemaRegistryUrl(), Map.of());
    codec = new RecordCodec(registry);
    folder = Files.createDirectories(Path.of("target", "faults", name).toAbsolutePath());
    settings.put("kafka.application-id", name);
    settings.put("kafka.topic-prefix", name + ".");
    settings.put("streams.state-dir", folder.resolve("state").toString());
    settings.put("streams.session-timeout", "6s");
    settings.putAll(overrides);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers()))) {
      new TopicProvisioner(admin, (short) 1).ensure(topics.all(), true, PATIENCE);
    }
    new SchemaRegistrar(registry, topics).register(PATIENCE);
  }

  Topics topics() {
    return topics;
  }

  RecordCodec codec() {
    return codec;
  }

  String bootstrapServers() {
    return cluster.bootstrapServers();
  }

  Path folder() {
    return folder;
  }

  /** Starts the application, beside those that are there. */
  ServeProcess launch() {
    List<String> options = new ArrayList<>(ChildJvm.OPTIONS);
    options.add("-Xmx512m");
    return launch(options);
  }

  ServeProcess launch(List<String> javaOptions) {
    ServeProcess process =
        new ServeProcess(
            javaOptions,
            bootstrapServers(),
            cluster.schemaRegistryUrl(),
            settings,
            folder.resolve("application-" + processes.size() + ".log"));
    processes.add(process);
    return process;
  }

  /**
   * Waits until something is there.
   *
   * @param alive throws if the application has ended
   */
  static void awaitFrom(Runnable alive, String what, BooleanSupplier there) {
    await(what)
        .pollInSameThread() // consumers are for one; given up, a thread would still poll
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> {
              alive.run();
              return there.getAsBoolean();
            });
  }

  /** Waits until something that this process made is committed. */
  void awaitProgress(ServeProcess process, String what, BooleanSupplier committed) {
    awaitFrom(process::requireAlive, what, committed);
    Duration restart = Duration.between(process.launched(), Instant.now());
    if (restart.compareTo(longestRestart) > 0) {
      longestRestart = restart;
    }
  }

  /** The longest time from a launch to the first that it committed. */
  Duration longestRestart() {
    return longestRestart;
  }

  @Override
  public void close() throws IOException {
    processes.forEach(ServeProcess::close);
    registry.close();
  }
}
