package io.hyperstream.app.faults;

import static org.awaitility.Awaitility.await;

import io.hyperstream.app.cli.Hyperstream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** {@code hyperstream serve} in a process of its own. For one thread. */
public final class ServeProcess implements AutoCloseable {
  private final Process process;
  private final Path log;
  private final Instant launched = Instant.now();

  /**
   * @param javaOptions of its virtual machine
   * @param settings {@code hyperstream.*} without that prefix
   * @param log its output, for people and for {@link #awaitLog}
   */
  public ServeProcess(
      List<String> javaOptions,
      String bootstrapServers,
      String registryUrl,
      Map<String, String> settings,
      Path log) {
    this.log = log;
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(javaOptions);
    if (Runtime.version().feature() >= 22) {
      command.add("--enable-native-access=ALL-UNNAMED"); // the jar's manifest says the same
    }
    settings.forEach((name, value) -> command.add("-Dhyperstream." + name + "=" + value));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Hyperstream.class.getName(), "serve", "--http-port", "0"));
    command.addAll(List.of("--bootstrap-servers", bootstrapServers));
    command.addAll(List.of("--schema-registry-url", registryUrl));
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    // Also when the tests themselves are stopped.
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
  }

  Instant launched() {
    return launched;
  }

  long pid() {
    return process.pid();
  }

  /** Fails if it has ended by itself. */
  void requireAlive() {
    if (!process.isAlive()) {
      throw new AssertionError(
          "the application ended by itself with status " + process.exitValue() + ":\n" + tail());
    }
  }

  public void awaitLog(String text, Duration patience) {
    await(text)
        .atMost(patience)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> {
              requireAlive();
              return Files.readString(log).contains(text);
            });
  }

  /** Lets it run on for a while. */
  void run(long millis) throws InterruptedException {
    if (process.waitFor(millis, TimeUnit.MILLISECONDS)) {
      requireAlive();
    }
  }

  /** SIGKILL: no shutdown hook, no goodbye. */
  void kill() throws InterruptedException {
    requireAlive();
    process.destroyForcibly().waitFor();
  }

  /**
   * SIGTERM.
   *
   * @return its exit status
   */
  public int terminate(Duration patience) throws InterruptedException {
    requireAlive();
    process.destroy();
    if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new AssertionError(
          "the application is still there " + patience + " after SIGTERM:\n" + tail());
    }
    return process.exitValue();
  }

  /** The end of what it printed. */
  private String tail() {
    try {
      String text = Files.readString(log, StandardCharsets.UTF_8);
      return text.substring(Math.max(0, text.length() - 6_000)) + "\n(all of it: " + log + ")";
    } catch (IOException e) {
      return "(its output cannot be read: " + e + ")";
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
