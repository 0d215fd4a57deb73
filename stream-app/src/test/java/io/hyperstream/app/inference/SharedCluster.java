package io.hyperstream.app.inference;

import io.hyperstream.app.embedded.EmbeddedCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * One embedded broker and registry for all classes of a test process; classes differ by prefix. The
 * launcher's session has it: with several processes the build runs each class as a plan of its own.
 */
public final class SharedCluster implements BeforeAllCallback {
  /**
   * What a broker would remove within minutes, it removes while a test runs. And it has an opinion
   * of how large a topic may be.
   */
  private static final Map<String, String> QUICK_RETENTION =
      Map.of(
          "log.retention.check.interval.ms",
          "500",
          "log.initial.task.delay.ms",
          "500",
          "log.retention.bytes",
          "10000000000");

  private static Running running;

  private record Running(EmbeddedCluster cluster, Path folder) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      cluster.close();
      List<Path> files;
      try (Stream<Path> all = Files.walk(folder)) {
        files = all.sorted(Comparator.reverseOrder()).toList();
      }
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
  }

  public static EmbeddedCluster cluster() {
    return running.cluster;
  }

  /** All that is committed to some topics, from the first record on. */
  public static KafkaConsumer<byte[], byte[]> reader(List<String> topics) {
    return reader(cluster().bootstrapServers(), topics);
  }

  /** The same of any cluster. */
  public static KafkaConsumer<byte[], byte[]> reader(String bootstrapServers, List<String> topics) {
    KafkaConsumer<byte[], byte[]> reader =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                bootstrapServers,
                "isolation.level",
                "read_committed",
                "enable.auto.commit",
                false,
                "auto.offset.reset",
                "earliest"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    reader.assign(
        topics.stream()
            .flatMap(topic -> reader.partitionsFor(topic).stream())
            .map(info -> new TopicPartition(info.topic(), info.partition()))
            .toList());
    return reader;
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    running =
        context
            .getStore(
                ExtensionContext.StoreScope.LAUNCHER_SESSION,
                ExtensionContext.Namespace.create(SharedCluster.class))
            .getOrComputeIfAbsent(Running.class, key -> start(), Running.class);
  }

  private static Running start() {
    try {
      Path folder = Files.createTempDirectory("hyperstream-it-");
      EmbeddedCluster.Options options =
          EmbeddedCluster.Options.in(folder.resolve("data")).withBrokerOverrides(QUICK_RETENTION);
      return new Running(EmbeddedCluster.start(options), folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
