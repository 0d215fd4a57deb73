package io.hyperstream.app.embedded;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real schema registry (Apicurio, speaking Confluent's API) in a child process, persistent in its
 * directory. Listens on the loopback address only. The child never outlives this process: see
 * {@link RegistryLauncher}. {@link #close()} may be called twice and from another thread.
 */
public final class EmbeddedRegistry implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedRegistry.class);
  private static final String HOST = "127.0.0.1";
  private static final String API = "/apis/ccompat/v7";
  private static final String MAIN_CLASS = "io.quarkus.runner.GeneratedMain";
  private static final String LOG_FILE = "registry.log";
  private static final int LOG_TAIL_CHARACTERS = 2_000;
  private static final Duration POLL = Duration.ofMillis(100);
  private static final Duration STOP_GRACE = Duration.ofSeconds(10);

  /** Variables a virtual machine reads its options from. */
  public static final Set<String> JVM_OPTIONS =
      Set.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

  /** A forgotten process object would take the pipe with it, and so the child. */
  private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

  private final Process process;
  private final int port;

  private EmbeddedRegistry(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /**
   * Starts the registry and returns when it answers.
   *
   * @param directory for its database and its log
   * @param port to listen on; must be free
   * @param patience how long it may take
   * @throws EmbeddedClusterException if it is not there, does not start or does not answer in time
   * @throws InterruptedException if interrupted while waiting; the child is stopped
   */
  public static EmbeddedRegistry start(Path directory, int port, Duration patience)
      throws InterruptedException {
    if (port < 1 || port > 65_535) {
      throw new EmbeddedClusterException("the registry's port is 1 to 65535; got " + port);
    }
    Path runner = RegistryHome.runner();
    Path log = directory.resolve(LOG_FILE);
    Process process = launch(directory, runner, port, log);
    RUNNING.add(process);
    EmbeddedRegistry registry = new EmbeddedRegistry(process, port);
    try {
      registry.awaitReady(patience, log);
    } catch (RuntimeException | InterruptedException e) {
      registry.close();
      throw e;
    }
    LOG.info("The schema registry listens on {}, data in {}", registry.url(), directory);
    return registry;
  }

  private static Process launch(Path directory, Path runner, int port, Path log) {
    try {
      Files.createDirectories(directory);
      Path launcher = unpackLauncher(directory);
      String classPath = launcher + File.pathSeparator + runner;
      ProcessBuilder registry =
          new ProcessBuilder(command(classPath, port))
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile());
      registry.environment().keySet().removeIf(EmbeddedRegistry::isForParentOnly);
      return registry.start();
    } catch (IOException e) {
      throw new EmbeddedClusterException(
          "cannot start the embedded registry in " + directory + ": " + e.getMessage(), e);
    }
  }

  /**
   * An agent's port is taken by the parent; and others' settings of Quarkus are not for this one.
   */
  private static boolean isForParentOnly(String variable) {
    return JVM_OPTIONS.contains(variable)
        || variable.startsWith("QUARKUS_")
        || variable.startsWith("APICURIO_");
  }

  private static List<String> command(String classPath, int port) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx384m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Dquarkus.http.host=" + HOST,
        "-Dquarkus.http.port=" + port,
        "-Dquarkus.management.host=" + HOST,
        "-Dquarkus.management.port=0",
        "-Dquarkus.http.access-log.enabled=false", // a line per request, for ever
        // The working directory is the registry's. Without the delay a write answered just before
        // a kill is lost.
        "-Dapicurio.datasource.url=jdbc:h2:file:./registry;WRITE_DELAY=0",
        "-Dapicurio.datasource.jdbc.initial-size=2",
        "-Dapicurio.datasource.jdbc.min-size=2",
        "-cp",
        classPath,
        RegistryLauncher.class.getName(),
        MAIN_CLASS);
  }

  /** The launcher as a class path of its own: ours would bring our libraries along. */
  private static Path unpackLauncher(Path directory) throws IOException {
    String file = RegistryLauncher.class.getName().replace('.', '/') + ".class";
    Path root = directory.resolve("launcher");
    Path target = root.resolve(file);
    Files.createDirectories(target.getParent());
    try (InputStream in = RegistryLauncher.class.getClassLoader().getResourceAsStream(file)) {
      if (in == null) {
        throw new IOException("the class file of " + RegistryLauncher.class.getName() + " is gone");
      }
      Files.copy(in, target, StandardCopyOption.REPLACE_EXISTING);
    }
    return root.toAbsolutePath();
  }

  private void awaitReady(Duration patience, Path log) throws InterruptedException {
    HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url() + "/subjects"))
            .timeout(Duration.ofSeconds(5))
            .build();
    long deadline = System.nanoTime() + patience.toNanos();
    while (System.nanoTime() < deadline) {
      if (process.waitFor(POLL.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new EmbeddedClusterException(
            "the embedded registry ended with exit code " + process.exitValue() + seeLog(log));
      }
      try {
        if (client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200) {
          return;
        }
      } catch (IOException e) {
        // Not listening yet.
      }
    }
    throw new EmbeddedClusterException(
        "the embedded registry did not answer within " + patience.toSeconds() + " s" + seeLog(log));
  }

  private static String seeLog(Path log) {
    String tail = "";
    try {
      String text = Files.readString(log, StandardCharsets.ISO_8859_1);
      tail = ". It ends with:\n" + text.substring(Math.max(0, text.length() - LOG_TAIL_CHARACTERS));
    } catch (IOException e) {
      // The path has to do.
    }
    return "; its log is " + log + tail;
  }

  /** The address for Confluent clients. */
  public String url() {
    return "http://" + HOST + ":" + port + API;
  }

  public int port() {
    return port;
  }

  /** The child's process id. */
  public long pid() {
    return process.pid();
  }

  /** Stops the child and waits until it is gone. */
  @Override
  public void close() {
    RUNNING.remove(process);
    try {
      process.getOutputStream().close(); // the launcher ends with its input
    } catch (IOException e) {
      // It is gone already.
    }
    boolean interrupted = false;
    try {
      if (!process.waitFor(STOP_GRACE.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      interrupted = true;
      process.destroyForcibly();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Kills the child without warning, for tests of outages. */
  public void kill() {
    process.destroyForcibly().onExit().join();
  }
}
