package io.hyperstream.app.embedded;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kafka and the registry of embedded mode, under one data directory that this process holds alone.
 * Start it before the application, close it after. {@link #close()} may be called twice and from
 * another thread.
 */
public final class EmbeddedCluster implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedCluster.class);
  private static final String KAFKA = "kafka";
  private static final String CONTROLLER = "controller";
  private static final String REGISTRY = "registry";

  private final DataDirectory directory;
  private final Duration patience;
  private final EmbeddedKafka kafka;
  private EmbeddedRegistry registry;
  private boolean closed;

  /**
   * What embedded mode needs to know.
   *
   * @param dataDirectory created if needed; a second start continues with what is in it
   * @param kafkaPort empty: the one of the last start if it is still free, otherwise a free one
   * @param registryPort likewise
   * @param patience how long the registry may take to start
   * @param brokerOverrides broker settings, for tests
   */
  public record Options(
      Path dataDirectory,
      OptionalInt kafkaPort,
      OptionalInt registryPort,
      Duration patience,
      Map<String, String> brokerOverrides) {

    public Options {
      brokerOverrides = Map.copyOf(brokerOverrides);
      checkPort(kafkaPort);
      checkPort(registryPort);
      if (patience.isNegative() || patience.isZero()) {
        throw new IllegalArgumentException("patience is a positive duration; got " + patience);
      }
    }

    /** Ports chosen free, two minutes of patience. */
    public static Options in(Path dataDirectory) {
      return new Options(
          dataDirectory, OptionalInt.empty(), OptionalInt.empty(), Duration.ofMinutes(2), Map.of());
    }

    /** The same on other ports; 0 leaves the choice. */
    public Options withPorts(int kafka, int registry) {
      return new Options(dataDirectory, chosen(kafka), chosen(registry), patience, brokerOverrides);
    }

    /** The same with other broker settings. */
    public Options withBrokerOverrides(Map<String, String> overrides) {
      return new Options(dataDirectory, kafkaPort, registryPort, patience, overrides);
    }

    private static void checkPort(OptionalInt port) {
      if (port.isPresent() && (port.getAsInt() < 1 || port.getAsInt() > 65_535)) {
        throw new IllegalArgumentException("a port is 1 to 65535; got " + port.getAsInt());
      }
    }

    private static OptionalInt chosen(int port) {
      return port == 0 ? OptionalInt.empty() : OptionalInt.of(port);
    }
  }

  private EmbeddedCluster(
      DataDirectory directory, Duration patience, EmbeddedKafka kafka, EmbeddedRegistry registry) {
    this.directory = directory;
    this.patience = patience;
    this.kafka = kafka;
    this.registry = registry;
  }

  /**
   * Starts both, side by side, and returns when both serve.
   *
   * @throws EmbeddedClusterException if the data directory is in use or one of them does not start;
   *     nothing is left running then
   */
  public static EmbeddedCluster start(Options options) {
    DataDirectory directory = DataDirectory.open(options.dataDirectory());
    boolean started = false;
    try {
      EmbeddedCluster cluster = start(directory, options);
      started = true;
      return cluster;
    } finally {
      if (!started) {
        directory.close();
      }
    }
  }

  private static EmbeddedCluster start(DataDirectory directory, Options options) {
    // All before the child is forked: it holds our open sockets for a moment, so a port that was
    // just tried would look taken.
    int kafkaPort = port(directory, KAFKA, options.kafkaPort());
    int controllerPort = port(directory, CONTROLLER, OptionalInt.empty());
    int registryPort = port(directory, REGISTRY, options.registryPort());
    FutureTask<EmbeddedRegistry> starting =
        new FutureTask<>(
            () ->
                EmbeddedRegistry.start(
                    directory.path().resolve(REGISTRY), registryPort, options.patience()));
    Thread thread = new Thread(starting, "embedded-registry-start");
    thread.setDaemon(true);
    thread.start();
    EmbeddedKafka kafka = null;
    try {
      kafka =
          EmbeddedKafka.start(
              directory.path().resolve(KAFKA),
              kafkaPort,
              controllerPort,
              options.brokerOverrides());
      EmbeddedRegistry registry = await(starting);
      directory.rememberPort(KAFKA, kafka.port());
      directory.rememberPort(REGISTRY, registry.port());
      return new EmbeddedCluster(directory, options.patience(), kafka, registry);
    } catch (RuntimeException | Error e) {
      thread.interrupt(); // a registry still starting stops then
      abandon(starting, e);
      if (kafka != null) {
        kafka.close();
      }
      throw e;
    }
  }

  private static int port(DataDirectory directory, String name, OptionalInt chosen) {
    if (chosen.isPresent()) {
      if (!FreePorts.isFree(chosen.getAsInt())) {
        throw new EmbeddedClusterException(
            "port "
                + chosen.getAsInt()
                + " for the embedded "
                + name
                + " is taken; choose another, or 0 for a free one");
      }
      return chosen.getAsInt();
    }
    OptionalInt last = directory.lastPort(name);
    return last.isPresent() && FreePorts.isFree(last.getAsInt())
        ? last.getAsInt()
        : FreePorts.next();
  }

  private static EmbeddedRegistry await(FutureTask<EmbeddedRegistry> starting) {
    try {
      return starting.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof EmbeddedClusterException known) {
        throw known;
      }
      throw new EmbeddedClusterException(
          "the embedded registry did not start: " + e.getCause(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EmbeddedClusterException("interrupted while the embedded registry started", e);
    }
  }

  private static void abandon(FutureTask<EmbeddedRegistry> starting, Throwable failure) {
    boolean interrupted = Thread.interrupted(); // so that waiting works
    try {
      starting.get().close();
    } catch (ExecutionException e) {
      if (e.getCause() != failure && !(e.getCause() instanceof InterruptedException)) {
        failure.addSuppressed(e.getCause());
      }
    } catch (InterruptedException e) {
      interrupted = true; // the child ends with this process
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** For {@code bootstrap.servers}. */
  public String bootstrapServers() {
    return kafka.bootstrapServers();
  }

  /** For {@code schema.registry.url}. */
  public synchronized String schemaRegistryUrl() {
    return registry.url();
  }

  public Path dataDirectory() {
    return directory.path();
  }

  /** The registry's process. */
  public synchronized long registryPid() {
    return registry.pid();
  }

  /** Kills the registry without warning, as an outage would; for tests. */
  public synchronized void killRegistry() {
    registry.kill();
  }

  /**
   * Starts the registry again, on the same port with the same data, after {@link #killRegistry()}.
   *
   * @throws InterruptedException if interrupted while waiting
   */
  public synchronized void restartRegistry() throws InterruptedException {
    registry.close();
    registry =
        EmbeddedRegistry.start(directory.path().resolve(REGISTRY), registry.port(), patience);
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      kafka.close();
    } finally {
      registry.close();
      directory.close();
    }
    LOG.info("The embedded cluster in {} has stopped", directory.path());
  }
}
