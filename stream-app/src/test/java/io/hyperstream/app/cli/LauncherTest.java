package io.hyperstream.app.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The script {@code hyperstream}, with a {@code java} that prints its arguments, one per line. */
class LauncherTest {
  @TempDir Path folder;
  private Path classes;
  private Path jar;

  @BeforeEach
  void repository() throws IOException {
    Files.copy(Path.of("..", "hyperstream"), folder.resolve("hyperstream"));
    classes = folder.resolve("home of classes");
    jar = folder.resolve("stream-app/target/hyperstream.jar");
    Files.createDirectories(jar.resolveSibling("lib"));
    Files.writeString(jar, "jar");
    Path java = Files.createDirectories(folder.resolve("jdk/bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit ${STATUS:-0}\n");
    Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private record Ran(int status, List<String> lines) {
    String archive() {
      return lines.stream().filter(line -> line.contains(".jsa")).findFirst().orElse("none");
    }
  }

  private Ran run(Map<String, String> environment, String... args) throws Exception {
    ProcessBuilder builder = new ProcessBuilder("sh", folder.resolve("hyperstream").toString());
    builder.command().addAll(List.of(args));
    builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    builder.environment().put("HYPERSTREAM_CLASS_DIR", classes.toString());
    builder.environment().putAll(environment);
    Process process = builder.redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    return new Ran(process.exitValue(), out.lines().toList());
  }

  @Test
  @DisplayName("arguments and exit status pass through, JAVA_OPTS is split")
  void passes() throws Exception {
    Ran ran = run(Map.of("STATUS", "4", "JAVA_OPTS", "-Xmx2g -Da=b"), "adapt", "--task", "a b", "");
    assertThat(ran.status()).isEqualTo(4);
    assertThat(ran.lines())
        .endsWith(
            "-Xmx2g", "-Da=b", "-jar", jar.toRealPath().toString(), "adapt", "--task", "a b", "");
  }

  @ParameterizedTest
  @CsvSource({
    "serve, serve", "demo, serve", "--verbose serve, serve", "predict --text serve, model",
    "tasks list, client", "consume, client", "--help, help", "serv, help"
  })
  @DisplayName("each kind of command has an archive of its own")
  void kinds(String command, String kind) throws Exception {
    Ran ran = run(Map.of(), command.split(" "));
    assertThat(ran.archive())
        .startsWith("-XX:ArchiveClassesAtExit=" + classes + "/" + kind + "-")
        .endsWith(".jsa");
    assertThat(ran.lines().contains("-XX:TieredStopAtLevel=1")).isEqualTo(!kind.equals("serve"));
  }

  @Test
  @DisplayName("an archive is used until a jar changes, then made again, and the old one removed")
  void made() throws Exception {
    String first = run(Map.of(), "--help").archive();
    Path file = Path.of(first.substring(first.indexOf('=') + 1));
    Files.writeString(file, "archive");
    assertThat(run(Map.of(), "--help").archive()).isEqualTo("-XX:SharedArchiveFile=" + file);

    Files.writeString(jar.resolveSibling("lib").resolve("new.jar"), "jar");
    assertThat(run(Map.of(), "--help").archive())
        .startsWith("-XX:ArchiveClassesAtExit=")
        .isNotEqualTo(first);
    assertThat(file).doesNotExist();
  }

  @Test
  @DisplayName("work of minutes has no archive, and an empty HYPERSTREAM_CLASS_DIR makes none")
  void none() throws Exception {
    assertThat(run(Map.of(), "train").archive()).isEqualTo("none");
    assertThat(run(Map.of("HYPERSTREAM_CLASS_DIR", ""), "serve").archive()).isEqualTo("none");
    assertThat(run(Map.of("HYPERSTREAM_CLASS_DIR", jar + "/x"), "serve").archive())
        .isEqualTo("none");
  }

  @Test
  @DisplayName("without a jar or Java it says what to do")
  void missing() throws Exception {
    assertThat(run(Map.of("JAVA_HOME", "/nowhere"), "--help"))
        .isEqualTo(
            new Ran(
                1,
                List.of(
                    "hyperstream: no /nowhere/bin/java; install Java 17 or newer, or set"
                        + " JAVA_HOME")));
    Files.delete(jar);
    Ran ran = run(Map.of(), "--help");
    assertThat(ran.status()).isEqualTo(1);
    assertThat(ran.lines()).singleElement().asString().contains("mvn -ntp -q -DskipTests package");
  }
}
