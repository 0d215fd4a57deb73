package io.hyperstream.app.embedded;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/** A process with an embedded cluster, to be killed: writes its addresses to a file and waits. */
final class EmbeddedClusterMain {
  private EmbeddedClusterMain() {}

  public static void main(String[] args) throws Exception {
    Locale.setDefault(Locale.ROOT);
    EmbeddedCluster cluster = EmbeddedCluster.start(EmbeddedCluster.Options.in(Path.of(args[0])));
    Path report = Path.of(args[1]);
    Path draft = report.resolveSibling(report.getFileName() + ".part");
    Files.writeString(
        draft,
        String.join(
            "\n",
            cluster.bootstrapServers(),
            cluster.schemaRegistryUrl(),
            Long.toString(cluster.registryPid())));
    Files.move(draft, report);
    new CountDownLatch(1).await();
  }
}
