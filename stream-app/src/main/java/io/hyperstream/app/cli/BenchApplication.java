package io.hyperstream.app.cli;

import io.hyperstream.app.embedded.EmbeddedRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code hyperstream serve} in a process of its own, so that what is measured is the application as
 * people run it, its memory apart from broker and client; or what it is measured against, likewise.
 * Any thread.
 */
final class BenchApplication implements AutoCloseable {
  /** What the application says when it serves. */
  static final String SERVING = "Hyperstream is serving";

  private static final Pattern ADDRESS = Pattern.compile("(http://[0-9.:]+)/health and /prom");
  private static final long STOP_SECONDS = 25;
  private static final int TAIL = 2_000;

  private final String what;
  private final String ready;
  private final Process process;
  private final Path log;

  private BenchApplication(String what, String ready, Process process, Path log) {
    this.what = what;
    this.ready = ready;
    this.process = process;
    this.log = log;
  }

  /**
   * Begins to start it.
   *
   * @param what it is, for messages
   * @param ready what it prints when it answers
   * @param javaOptions of its virtual machine
   * @param arguments of {@code hyperstream}
   * @param log for its output
   */
  static BenchApplication start(
      String what, String ready, List<String> javaOptions, List<String> arguments, Path log)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (Runtime.version().feature() >= 22) {
      command.add("--enable-native-access=ALL-UNNAMED"); // the jar's manifest says the same
    }
    command.addAll(javaOptions);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Hyperstream.class.getName());
    command.addAll(arguments);
    ProcessBuilder application =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    application.environment().keySet().removeAll(EmbeddedRegistry.JVM_OPTIONS);
    return new BenchApplication(what, ready, application.start(), log);
  }

  /** Returns when it serves. */
  void awaitServing(long patienceSeconds) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(patienceSeconds);
    while (!output().contains(ready)) {
      if (System.nanoTime() > deadline) {
        throw CommandFailure.failed(
            what + " did not serve within " + patienceSeconds + " s; " + tail());
      }
      if (process.waitFor(100, TimeUnit.MILLISECONDS)) {
        requireAlive();
      }
    }
  }

  /** Fails if it has ended by itself. */
  void requireAlive() {
    if (!process.isAlive()) {
      throw CommandFailure.failed(
          what + " ended by itself with status " + process.exitValue() + "; " + tail());
    }
  }

  /** Its resident memory in bytes; empty where the system does not tell. */
  OptionalLong residentBytes() {
    try {
      return Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  /** Milliseconds of processor time it has used so far, of all its threads. */
  double cpuMillis() {
    return process.info().totalCpuDuration().orElse(Duration.ZERO).toMillis();
  }

  /**
   * A value of its metrics.
   *
   * @param name as Prometheus has it, without tags
   */
  double metric(String name) throws InterruptedException {
    Matcher address = ADDRESS.matcher(output());
    if (!address.find()) {
      throw CommandFailure.failed("the application does not say where its metrics are; " + tail());
    }
    try {
      URI metrics = URI.create(address.group(1) + "/prometheus");
      String text =
          HttpClient.newHttpClient()
              .send(HttpRequest.newBuilder(metrics).build(), HttpResponse.BodyHandlers.ofString())
              .body();
      return text.lines()
          .filter(line -> line.startsWith(name + " "))
          .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      throw CommandFailure.failed("the application's metrics cannot be read", e);
    }
  }

  private String output() {
    try {
      return Files.readString(log, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "(its output cannot be read: " + e.getMessage() + ")";
    }
  }

  private String tail() {
    String text = output();
    return "its output ends with:\n" + text.substring(Math.max(0, text.length() - TAIL));
  }

  /** SIGTERM, and after a while the end. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process.destroyForcibly();
  }
}
