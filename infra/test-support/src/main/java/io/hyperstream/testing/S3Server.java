package io.hyperstream.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A real S3 server over a folder, in a process of its own: buckets are folders below it, objects are
 * files. It wants signed requests. Any thread; ends with {@link #close} or with this process.
 */
public final class S3Server implements AutoCloseable {
  public static final String ACCESS_KEY = "test-access-key";
  public static final String SECRET_KEY = "test-secret-key-0123456789";

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int TRIES = 3;

  private final Path folder;
  private final int port;
  private final Process process;
  private final Thread hook;

  private S3Server(Path folder, int port, Process process) {
    this.folder = folder;
    this.port = port;
    this.process = process;
    this.hook = new Thread(process::destroyForcibly, "end of the S3 server");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Starts one and waits until it answers. */
  public static S3Server start(Path folder) throws IOException, InterruptedException {
    return start(folder, Map.of());
  }

  /**
   * Starts one and waits until it answers.
   *
   * @param more settings of S3Proxy
   */
  public static S3Server start(Path folder, Map<String, String> more)
      throws IOException, InterruptedException {
    for (int attempt = 1; ; attempt++) {
      S3Server server = launch(folder, more);
      if (server.awaitListening()) {
        return server;
      }
      server.close();
      if (attempt == TRIES) { // its port may have been taken meanwhile
        throw new IOException(
            "the S3 server does not start: " + Files.readString(folder.resolve("server.log")));
      }
    }
  }

  private static S3Server launch(Path folder, Map<String, String> more) throws IOException {
    Path data = Files.createDirectories(folder.resolve("data"));
    int port = freePort();
    StringBuilder settings = new StringBuilder();
    settings
        .append("s3proxy.endpoint=http://127.0.0.1:")
        .append(port)
        .append("\ns3proxy.authorization=aws-v4\ns3proxy.identity=")
        .append(ACCESS_KEY)
        .append("\ns3proxy.credential=")
        .append(SECRET_KEY)
        .append("\njclouds.provider=filesystem-nio2\njclouds.filesystem.basedir=")
        .append(data)
        .append('\n');
    more.forEach((key, value) -> settings.append(key).append('=').append(value).append('\n'));
    Path properties = Files.writeString(folder.resolve("s3.properties"), settings);
    Path logging =
        Files.writeString(
            folder.resolve("logback.xml"),
            """
            <configuration>
              <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
                <encoder><pattern>%d %level %logger{0} %msg%n</pattern></encoder>
              </appender>
              <root level="WARN"><appender-ref ref="out"/></root>
            </configuration>
            """);
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx256m",
                    "-Dlogback.configurationFile=" + logging,
                    "-cp",
                    libraries().resolve("*").toString(),
                    "org.gaul.s3proxy.Main",
                    "--properties",
                    properties.toString()))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("server.log").toFile()))
            .start();
    return new S3Server(folder, port, process);
  }

  /** Where the build copies them, beside these classes. */
  private static Path libraries() {
    try {
      URI here = S3Server.class.getProtectionDomain().getCodeSource().getLocation().toURI();
      Path libraries = Path.of(here).resolveSibling("lib");
      if (!Files.isDirectory(libraries)) {
        throw new IllegalStateException(libraries + " is missing; build infra/test-support");
      }
      return libraries;
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private boolean awaitListening() throws InterruptedException {
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (process.isAlive() && System.nanoTime() < until) {
      try (Socket socket = new Socket()) {
        socket.connect(address(), 1000);
        return true;
      } catch (IOException e) {
        TimeUnit.MILLISECONDS.sleep(50); // between looks at whether it listens
      }
    }
    return false;
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
  }

  /** {@code http://127.0.0.1:port}. */
  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + port);
  }

  /** Makes a bucket and returns its folder. */
  public Path bucket(String name) {
    try {
      return Files.createDirectories(folder.resolve("data").resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends it at once, as a crash does; what it has stored stays. */
  public void kill() {
    try {
      process.destroyForcibly().waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    kill();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // This process is ending, and the hook runs.
    }
  }
}
