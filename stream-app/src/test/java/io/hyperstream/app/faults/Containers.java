package io.hyperstream.app.faults;

import static org.awaitility.Awaitility.await;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.InspectContainerResponse;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.ContainerNetwork;
import com.github.dockerjava.api.model.ExposedPort;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.PortBinding;
import com.github.dockerjava.api.model.Ports;
import io.hyperstream.app.embedded.FreePorts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.BindMode;
import org.testcontainers.containers.Container;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.lifecycle.Startables;
import org.testcontainers.utility.DockerImageName;

/**
 * Three brokers, a registry and replicas of the application, each in a container of its own, and
 * what one can do to a container. The images are given by the system properties {@code
 * kafka.image}, {@code registry.image} and {@code hyperstream.image}. For one thread.
 */
final class Containers implements AutoCloseable {
  /** How long a container may take to be ready, on a machine that is busy. */
  static final Duration START = Duration.ofMinutes(4);

  /** A replica's transactions end by themselves after this, if it falls silent. */
  static final Duration TRANSACTION_TIMEOUT = Duration.ofSeconds(20);

  private static final int BROKERS = 3;
  private static final int INSIDE_PORT = 9093; // of Testcontainers' second listener
  private static final int REGISTRY_PORT = 8080;
  private static final Pattern TROUBLE = Pattern.compile("(?m)^.* (WARN|ERROR) .*$");
  private static final Pattern STREAM_THREAD =
      Pattern.compile("(?m)^\"hyperstream-[^\"]*StreamThread-\\d+\".*\\n([ \\t].*\\n){1,12}");
  private static final String ROOM = "/tmp/hyperstream";

  private final DockerClient docker = DockerClientFactory.instance().client();
  private final Network network = Network.newNetwork();
  private final List<KafkaContainer> brokers = new ArrayList<>();
  private final GenericContainer<?> registry;
  private final int registryHostPort;
  private final Map<String, String> settings;
  private final List<GenericContainer<?>> replicas = new ArrayList<>();
  private final Path folder;

  /**
   * Starts brokers and registry.
   *
   * @param folder for the containers' output
   * @param settings of the replicas, as environment variables
   */
  Containers(Path folder, Map<String, String> settings) {
    this.folder = folder;
    this.settings = new TreeMap<>(settings);
    // Outside the range from which the engine takes the ports that it chooses itself.
    int[] hostPorts = IntStream.generate(FreePorts::next).distinct().limit(BROKERS + 1).toArray();
    IntStream.rangeClosed(1, BROKERS).forEach(id -> brokers.add(newBroker(id, hostPorts[id])));
    registryHostPort = hostPorts[0];
    registry =
        new GenericContainer<>(image("registry.image", "apicurio/apicurio-registry:3.0.9"))
            .withNetwork(network)
            .withNetworkAliases("registry")
            // In the container's file system, so that it is there after a kill.
            .withEnv("APICURIO_DATASOURCE_URL", "jdbc:h2:file:/tmp/registry;WRITE_DELAY=0")
            .withEnv("JAVA_OPTIONS", "-Xmx384m")
            .withCreateContainerCmdModifier(
                command -> onHost(command.getHostConfig(), registryHostPort, REGISTRY_PORT))
            .waitingFor(Wait.forHttp("/apis/ccompat/v7/subjects").forPort(REGISTRY_PORT))
            .withExposedPorts(REGISTRY_PORT)
            .withStartupTimeout(START);
    List<GenericContainer<?>> all = new ArrayList<>(brokers);
    all.add(registry);
    Startables.deepStart(all).join();
  }

  private static DockerImageName image(String property, String otherwise) {
    return DockerImageName.parse(System.getProperty(property, otherwise));
  }

  private KafkaContainer newBroker(int id, int hostPort) {
    KafkaContainer broker =
        new KafkaContainer(
            image("kafka.image", "apache/kafka:4.3.1").asCompatibleSubstituteFor("apache/kafka"));
    broker
        .withNetwork(network)
        .withNetworkAliases("kafka-" + id)
        .withEnv("KAFKA_HEAP_OPTS", "-Xms128m -Xmx384m")
        .withEnv("KAFKA_NODE_ID", Integer.toString(id))
        .withEnv("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@kafka-1:9094,2@kafka-2:9094,3@kafka-3:9094")
        .withEnv(brokerSettings())
        .withCreateContainerCmdModifier(
            command -> {
              command.withHostName("kafka-" + id);
              onHost(command.getHostConfig(), hostPort, 9092);
            })
        .withStartupTimeout(START);
    return broker;
  }

  /** Everything on all three, failures noticed in seconds. */
  private static Map<String, String> brokerSettings() {
    Map<String, String> settings = new TreeMap<>();
    settings.put("KAFKA_DEFAULT_REPLICATION_FACTOR", "3");
    settings.put("KAFKA_MIN_INSYNC_REPLICAS", "2");
    settings.put("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "3");
    settings.put("KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS", "6");
    settings.put("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "3");
    settings.put("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "2");
    settings.put("KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS", "6");
    settings.put("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false");
    settings.put("KAFKA_BROKER_HEARTBEAT_INTERVAL_MS", "500");
    settings.put("KAFKA_BROKER_SESSION_TIMEOUT_MS", "6000");
    settings.put("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0");
    settings.put("KAFKA_GROUP_STREAMS_INITIAL_REBALANCE_DELAY_MS", "0");
    settings.put("KAFKA_GROUP_STREAMS_SESSION_TIMEOUT_MS", "6000");
    settings.put("KAFKA_GROUP_STREAMS_MIN_SESSION_TIMEOUT_MS", "6000");
    settings.put("KAFKA_GROUP_STREAMS_HEARTBEAT_INTERVAL_MS", "1500");
    settings.put("KAFKA_GROUP_STREAMS_MIN_HEARTBEAT_INTERVAL_MS", "1000");
    settings.put("KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS", "1000");
    return settings;
  }

  /** The same port of this machine after each restart. */
  private static void onHost(HostConfig config, int hostPort, int port) {
    config.withPortBindings(
        new PortBinding(Ports.Binding.bindPort(hostPort), new ExposedPort(port)));
  }

  /** Of the brokers, from this machine. */
  String bootstrapServers() {
    return String.join(",", brokers.stream().map(KafkaContainer::getBootstrapServers).toList());
  }

  /** From this machine. */
  String registryUrl() {
    return "http://" + registry.getHost() + ":" + registryHostPort + "/apis/ccompat/v7";
  }

  /** Makes a replica and starts it; it is ready later. As in production, it may write nothing. */
  GenericContainer<?> addReplica() {
    return start(replica());
  }

  /**
   * The same of a replica whose model store is the first one's, read-only, and that has very little
   * space for everything else.
   */
  GenericContainer<?> addConfinedReplica() {
    return start(
        replica()
            .withVolumesFrom(replicas.get(0), BindMode.READ_ONLY)
            .withEnv("HYPERSTREAM_MODEL_DIR", "/var/lib/hyperstream/models")
            .withEnv("HYPERSTREAM_DATA_DIR", ROOM)
            .withTmpFs(Map.of("/tmp", "rw,exec,size=300m")));
  }

  private GenericContainer<?> start(GenericContainer<?> replica) {
    replicas.add(replica);
    replica.start();
    return replica;
  }

  private GenericContainer<?> replica() {
    String name = "replica-" + (replicas.size() + 1);
    return new GenericContainer<>(image("hyperstream.image", "hyperstream"))
        .withNetwork(network)
        .withNetworkAliases(name)
        .withEnv(settings)
        .withEnv("HYPERSTREAM_KAFKA_BOOTSTRAP_SERVERS", inside())
        .withEnv("HYPERSTREAM_REGISTRY_URL", "http://registry:8080/apis/ccompat/v7")
        .withEnv("HYPERSTREAM_STREAMS_TRANSACTION_TIMEOUT", TRANSACTION_TIMEOUT.toSeconds() + "s")
        .withEnv("HYPERSTREAM_ENGINE_JOIN_DEADLINE", "10s")
        .withEnv("HYPERSTREAM_STREAMS_SESSION_TIMEOUT", "6s")
        .withEnv("HYPERSTREAM_MODEL_THREADS", "1")
        // A process does little in each of its lives here; three brokers share its processors.
        .withEnv("HYPERSTREAM_STREAMS_THREADS", "1")
        .withEnv("HYPERSTREAM_STREAMS_COMMIT_INTERVAL", "500ms")
        .withEnv("HYPERSTREAM_ADAPTATION_COMMIT_INTERVAL", "500ms")
        .withEnv("HYPERSTREAM_HTTP_ACCESS", "closed")
        .withEnv("JAVA_OPTS", "-Xmx512m -XX:-UseG1GC -XX:+UseSerialGC -XX:TieredStopAtLevel=1")
        .withTmpFs(Map.of("/tmp", "rw"))
        .withCreateContainerCmdModifier(
            command ->
                command
                    .withHostName(name)
                    .getHostConfig()
                    .withReadonlyRootfs(true)
                    .withCapDrop(Capability.ALL)
                    .withSecurityOpts(List.of("no-new-privileges")))
        // Running; whether it is ready is asked by isReady.
        .waitingFor(Wait.forLogMessage(".*\\n", 1))
        .withStartupTimeout(START);
  }

  private static String inside() {
    return String.join(
        ",",
        IntStream.rangeClosed(1, BROKERS)
            .mapToObj(id -> "kafka-" + id + ":" + INSIDE_PORT)
            .toList());
  }

  GenericContainer<?> broker(int id) {
    return brokers.get(id - 1);
  }

  GenericContainer<?> registry() {
    return registry;
  }

  int replicas() {
    return replicas.size();
  }

  GenericContainer<?> replica(int number) {
    return replicas.get(number - 1);
  }

  private List<GenericContainer<?>> all() {
    List<GenericContainer<?>> all = new ArrayList<>(brokers);
    all.add(registry);
    all.addAll(replicas);
    return all;
  }

  /** SIGKILL. */
  void kill(GenericContainer<?> container) {
    docker.killContainerCmd(container.getContainerId()).exec();
  }

  /** SIGTERM; waits for the end, which must be in time and as it should. */
  void terminate(GenericContainer<?> container) {
    docker.killContainerCmd(container.getContainerId()).withSignal("TERM").exec();
    await("the end of " + name(container))
        .atMost(Duration.ofSeconds(60))
        .until(() -> !isRunning(container));
    Long status =
        docker.inspectContainerCmd(container.getContainerId()).exec().getState().getExitCodeLong();
    if (status != 0 && status != 143) {
      throw new AssertionError(name(container) + " ended with status " + status + " after SIGTERM");
    }
  }

  /** Starts it again, with the files it had. */
  void restart(GenericContainer<?> container) {
    docker.startContainerCmd(container.getContainerId()).exec();
  }

  /** Freezes all its processes: it is there and does not answer. */
  void pause(GenericContainer<?> container) {
    docker.pauseContainerCmd(container.getContainerId()).exec();
  }

  void resume(GenericContainer<?> container) {
    docker.unpauseContainerCmd(container.getContainerId()).exec();
  }

  /** Cuts it off from everything. */
  void cutOff(GenericContainer<?> container) {
    docker
        .disconnectFromNetworkCmd()
        .withNetworkId(network.getId())
        .withContainerId(container.getContainerId())
        .exec();
  }

  void reconnect(GenericContainer<?> container) {
    docker
        .connectToNetworkCmd()
        .withNetworkId(network.getId())
        .withContainerId(container.getContainerId())
        .withContainerNetwork(new ContainerNetwork().withAliases(container.getNetworkAliases()))
        .exec();
  }

  /** Takes all the space that a confined replica has. */
  void fillDisk(GenericContainer<?> replica) throws IOException, InterruptedException {
    Container.ExecResult result =
        replica.execInContainer(
            "bash", "-c", "cat /dev/zero >" + ROOM + "/filler; ! echo more >>" + ROOM + "/filler");
    if (result.getExitCode() != 0) {
      throw new AssertionError("the disk is not full: " + result);
    }
  }

  void freeDisk(GenericContainer<?> replica) throws IOException, InterruptedException {
    replica.execInContainer("rm", ROOM + "/filler");
  }

  boolean isRunning(GenericContainer<?> container) {
    return Boolean.TRUE.equals(
        docker.inspectContainerCmd(container.getContainerId()).exec().getState().getRunning());
  }

  /** Whether a replica's readiness is green. */
  boolean isReady(GenericContainer<?> replica) {
    try {
      return isRunning(replica) && replica.execInContainer("hyperstream-ready").getExitCode() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  void awaitReady(GenericContainer<?> replica) {
    await(name(replica) + " to be ready")
        .atMost(START)
        .pollInterval(Duration.ofMillis(500))
        .until(
            () -> {
              if (!isRunning(replica)) {
                throw new AssertionError(
                    name(replica) + " ended by itself; see " + folder + "\n" + tail(replica));
              }
              return isReady(replica);
            });
  }

  private static String tail(GenericContainer<?> container) {
    String log = container.getLogs();
    return log.substring(Math.max(0, log.length() - 4_000));
  }

  /**
   * The state of each container, the last warnings and errors it wrote, and where the stream
   * threads of the replicas are.
   */
  String diagnosis() {
    StringBuilder text = new StringBuilder();
    for (GenericContainer<?> container : all()) {
      if (container.getContainerId() == null) {
        continue;
      }
      InspectContainerResponse.ContainerState state =
          docker.inspectContainerCmd(container.getContainerId()).exec().getState();
      text.append(
          "%s: %s, exit code %s, out of memory %s%n"
              .formatted(
                  name(container),
                  state.getStatus(),
                  state.getExitCodeLong(),
                  state.getOOMKilled()));
      lines(text, container.getLogs(), TROUBLE, 8);
      if (replicas.contains(container) && "running".equals(state.getStatus())) {
        lines(text, threadDump(container), STREAM_THREAD, 4);
      }
    }
    return text.toString();
  }

  private static void lines(StringBuilder text, String log, Pattern pattern, int most) {
    List<String> found = pattern.matcher(log).results().map(MatchResult::group).toList();
    found.stream()
        .skip(Math.max(0, found.size() - most))
        .map(lines -> lines.substring(0, Math.min(lines.length(), 900)).indent(2))
        .forEach(text::append);
  }

  private String threadDump(GenericContainer<?> replica) {
    int before = replica.getLogs().length();
    docker.killContainerCmd(replica.getContainerId()).withSignal("QUIT").exec();
    await("a thread dump")
        .atMost(Duration.ofSeconds(20))
        .until(() -> replica.getLogs().substring(before).contains("JNI global refs"));
    return replica.getLogs().substring(before);
  }

  private static String name(GenericContainer<?> container) {
    return container.getNetworkAliases().stream()
        .filter(alias -> !alias.startsWith("tc-"))
        .findFirst()
        .orElseThrow();
  }

  @Override
  public void close() throws IOException {
    Files.createDirectories(folder);
    for (GenericContainer<?> container : all()) {
      if (container.getContainerId() != null) {
        Files.writeString(folder.resolve(name(container) + ".log"), container.getLogs());
        container.stop();
      }
    }
    network.close();
  }
}
