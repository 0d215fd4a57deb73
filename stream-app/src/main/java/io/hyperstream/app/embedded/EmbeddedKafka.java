package io.hyperstream.app.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.properties.MetaPropertiesEnsemble;
import org.apache.kafka.metadata.storage.Formatter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real single-node Kafka (KRaft, broker and controller combined) in this JVM, persistent in its
 * directory: its records survive {@link #close()} and the death of the process. Listens on the
 * loopback address only. {@link #close()} may be called twice and from another thread.
 */
public final class EmbeddedKafka implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedKafka.class);
  private static final int NODE_ID = 1;
  private static final String HOST = "127.0.0.1";
  private static final Pattern OTHER_DIGITS = Pattern.compile("\\p{Nd}{20}(?<![0-9]{20})[.-].*");

  private final KafkaRaftServer server;
  private final int port;
  private boolean closed;

  private EmbeddedKafka(KafkaRaftServer server, int port) {
    this.server = server;
    this.port = port;
  }

  /**
   * Starts the broker and returns when it serves clients.
   *
   * @param directory for its logs; formatted on first use
   * @param port for clients; must be free
   * @param controllerPort for the broker's own controller; must be free
   * @param overrides of broker settings, for tests
   * @throws EmbeddedClusterException if it does not start
   */
  public static EmbeddedKafka start(
      Path directory, int port, int controllerPort, Map<String, String> overrides) {
    checkPort("broker", port);
    checkPort("controller", controllerPort);
    Map<String, Object> settings = settings(directory, port, controllerPort);
    settings.putAll(overrides);
    KafkaRaftServer server = null;
    try {
      Files.createDirectories(directory);
      refuseOtherDigits(directory);
      formatIfNew(directory);
      server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
      server.startup();
      LOG.info("Kafka listens on {}:{}, data in {}", HOST, port, directory);
      return new EmbeddedKafka(server, port);
    } catch (EmbeddedClusterException e) {
      throw e;
    } catch (Exception | LinkageError e) {
      if (server != null) {
        shutDown(server);
      }
      throw new EmbeddedClusterException(
          "the embedded Kafka did not start on port "
              + port
              + " with its data in "
              + directory
              + ": "
              + e,
          e);
    }
  }

  private static void checkPort(String what, int port) {
    if (port < 1 || port > 65_535) {
      throw new EmbeddedClusterException(
          "the " + what + " port is 1 to 65535 for the embedded Kafka; got " + port);
    }
  }

  /**
   * Earlier releases let Kafka name its files in the digits of the machine's language; it takes
   * partitions with such names for somebody else's and puts them aside.
   */
  private static void refuseOtherDigits(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory, 2)) {
      Optional<Path> other =
          files
              .filter(file -> OTHER_DIGITS.matcher(file.getFileName().toString()).matches())
              .findFirst();
      if (other.isPresent()) {
        throw new EmbeddedClusterException(
            "the embedded Kafka's files in "
                + directory
                + " are named in digits of another language, such as "
                + other.get()
                + ": rename them to the digits 0 to 9, or choose another data directory");
      }
    }
  }

  private static void formatIfNew(Path directory) throws Exception {
    if (Files.exists(directory.resolve(MetaPropertiesEnsemble.META_PROPERTIES_NAME))) {
      return;
    }
    new Formatter()
        .setNodeId(NODE_ID)
        .setClusterId(Uuid.randomUuid().toString())
        .addDirectory(directory.toString())
        .setMetadataLogDirectory(directory.toString())
        .setControllerListenerName("CONTROLLER")
        .setHasDynamicQuorum(false)
        .setPrintStream(new PrintStream(OutputStream.nullOutputStream(), false, UTF_8))
        .run();
  }

  private static Map<String, Object> settings(Path directory, int port, int controllerPort) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("process.roles", "broker,controller");
    settings.put("node.id", Integer.toString(NODE_ID));
    settings.put("controller.quorum.voters", NODE_ID + "@" + HOST + ":" + controllerPort);
    settings.put(
        "listeners",
        "PLAINTEXT://" + HOST + ":" + port + ",CONTROLLER://" + HOST + ":" + controllerPort);
    settings.put("advertised.listeners", "PLAINTEXT://" + HOST + ":" + port);
    settings.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    settings.put("controller.listener.names", "CONTROLLER");
    settings.put("inter.broker.listener.name", "PLAINTEXT");
    settings.put("log.dirs", directory.toString());
    settings.put("auto.create.topics.enable", "false");
    onOneNode(settings);
    forQuickFailover(settings);
    return settings;
  }

  /** Internal topics without replicas and with few partitions, a small cleaner, few threads. */
  private static void onOneNode(Map<String, Object> settings) {
    settings.put("default.replication.factor", "1");
    settings.put("min.insync.replicas", "1");
    settings.put("offsets.topic.replication.factor", "1");
    settings.put("offsets.topic.num.partitions", "4");
    // However long it was stopped: without them everything kept would be answered again.
    settings.put("offsets.retention.minutes", Integer.toString(Integer.MAX_VALUE));
    settings.put("transaction.state.log.replication.factor", "1");
    settings.put("transaction.state.log.min.isr", "1");
    settings.put("transaction.state.log.num.partitions", "4");
    settings.put("share.coordinator.state.topic.replication.factor", "1");
    settings.put("share.coordinator.state.topic.min.isr", "1");
    settings.put("share.coordinator.state.topic.num.partitions", "1");
    settings.put("num.network.threads", "2");
    settings.put("num.io.threads", "4");
    settings.put("log.cleaner.dedupe.buffer.size", Integer.toString(16 * 1024 * 1024));
  }

  /** A group notices a killed member within seconds; a slow model may hold a transaction long. */
  private static void forQuickFailover(Map<String, Object> settings) {
    settings.put("group.initial.rebalance.delay.ms", "0");
    settings.put("group.min.session.timeout.ms", "3000");
    for (String protocol : new String[] {"streams", "consumer"}) {
      settings.put("group." + protocol + ".session.timeout.ms", "6000");
      settings.put("group." + protocol + ".min.session.timeout.ms", "6000");
      settings.put("group." + protocol + ".heartbeat.interval.ms", "1500");
      settings.put("group." + protocol + ".min.heartbeat.interval.ms", "1000");
    }
    settings.put("group.streams.initial.rebalance.delay.ms", "0");
    settings.put("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000");
    settings.put("transaction.max.timeout.ms", Integer.toString(30 * 60 * 1000));
    settings.put("broker.heartbeat.interval.ms", "500");
    settings.put("broker.session.timeout.ms", "3000");
    settings.put("initial.broker.registration.timeout.ms", "60000");
  }

  public String bootstrapServers() {
    return HOST + ":" + port;
  }

  public int port() {
    return port;
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      shutDown(server);
    }
  }

  private static void shutDown(KafkaRaftServer server) {
    server.shutdown();
    server.awaitShutdown();
  }
}
