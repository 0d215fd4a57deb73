package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.testing.ChildJvm;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * The packaged jar as people run it: {@code java -jar}, from some other folder, nothing on standard
 * input. Killed when closed.
 */
record PackagedCommand(Process process, Path out, Path err) implements AutoCloseable {

  static PackagedCommand start(Path workingDirectory, String... args) throws IOException {
    return start(workingDirectory, ChildJvm.OPTIONS, Map.of(), args);
  }

  /** With no options of the virtual machine but these, and an environment of its own. */
  static PackagedCommand start(
      Path workingDirectory,
      List<String> javaOptions,
      Map<String, String> environment,
      String... args)
      throws IOException {
    Path jar = Path.of("target", "hyperstream.jar").toAbsolutePath();
    assertThat(jar).as("the packaged jar; these tests run after packaging").exists();
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(javaOptions);
    command.addAll(List.of("-jar", jar.toString()));
    command.addAll(List.of(args));
    Path out = Files.createTempFile(workingDirectory, "out", ".txt");
    Path err = Files.createTempFile(workingDirectory, "err", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(workingDirectory.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("HYPERSTREAM_"));
    builder
        .environment()
        .put("HYPERSTREAM_MODEL_DIR", workingDirectory.resolve("model-store").toString());
    builder.environment().putAll(environment);
    return new PackagedCommand(builder.start(), out, err);
  }

  /** Its exit status. */
  int await(Duration patience) throws InterruptedException {
    assertThat(process.waitFor(patience.toSeconds(), TimeUnit.SECONDS))
        .as("ended within %s; it said:%n%s", patience, errors())
        .isTrue();
    return process.exitValue();
  }

  void awaitLine(String part, Duration patience) {
    Awaitility.await("the line '" + part + "'")
        .atMost(patience)
        .failFast("it ended before it said so", () -> !process.isAlive())
        .until(() -> errors().contains(part));
  }

  String output() {
    return read(out);
  }

  String errors() {
    return read(err);
  }

  /** As {@code kill PID} does. */
  void terminate() {
    process.destroy();
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
