package io.hyperstream.app.inference;

import io.hyperstream.app.embedded.EmbeddedCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** One embedded broker and registry for all classes of a test run; classes differ by prefix. */
public final class SharedCluster implements BeforeAllCallback {
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

  @Override
  public void beforeAll(ExtensionContext context) {
    running =
        context
            .getRoot()
            .getStore(ExtensionContext.Namespace.create(SharedCluster.class))
            .getOrComputeIfAbsent(Running.class, key -> start(), Running.class);
  }

  private static Running start() {
    try {
      Path folder = Files.createTempDirectory("hyperstream-it-");
      return new Running(
          EmbeddedCluster.start(EmbeddedCluster.Options.in(folder.resolve("data"))), folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
