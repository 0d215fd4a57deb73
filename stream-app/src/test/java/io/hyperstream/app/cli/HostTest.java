package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("On any machine")
class HostTest {
  private static final Map<String, String> POSIX = Map.of("LC_ALL", "C");

  @TempDir Path folder;

  /** What a process of ours said on standard error, and how it ended. */
  private record Ended(int status, String errors) {}

  @Test
  @DisplayName("arguments are UTF-8 in the POSIX locale too")
  void arguments() throws Exception {
    Ended ended = run(List.of(), POSIX, "Grüße");

    assertThat(ended.status).isEqualTo(ExitCodes.USAGE);
    assertThat(ended.errors).contains("'Grüße'");
  }

  @Test
  @DisplayName("arguments that cannot be told from the command line's bytes are not guessed")
  void otherArguments() throws Exception {
    byte[] line = "java\0-jar\0x.jar\0--text\0ü\0".getBytes(StandardCharsets.UTF_8);

    assertThat(Host.fromBytes(line, new String[] {"--text", "\uFFFD\uFFFD"}))
        .containsExactly("--text", "ü");
    assertThatThrownBy(() -> Host.fromBytes(line, new String[] {"--key", "\uFFFD\uFFFD"}))
        .isInstanceOf(CharacterCodingException.class);
    byte[] latin = "java\0ü\0".getBytes(StandardCharsets.ISO_8859_1);
    assertThatThrownBy(() -> Host.fromBytes(latin, new String[] {"\uFFFD"}))
        .isInstanceOf(CharacterCodingException.class);
  }

  @Test
  @DisplayName("a path that the locale has no bytes for is refused with what to set")
  void path() throws Exception {
    Ended option = run(List.of(), POSIX, "serve", "--embedded", "--data-dir", folder + "/ü");
    Ended text = run(List.of(), POSIX, "model", "list", "--model-dir", folder + "/ü");
    Ended variable =
        run(
            List.of(),
            Map.of("LC_ALL", "C", "HYPERSTREAM_MODEL_DIR", folder + "/ü"),
            "model",
            "list");

    for (Ended refused : List.of(option, text, variable)) {
      assertThat(refused.status).isNotZero();
      assertThat(refused.errors).contains("LC_ALL=C.UTF-8").doesNotContain("java.", "Exception");
    }
    assertThat(variable.errors).contains("HYPERSTREAM_MODEL_DIR");
  }

  @Test
  @DisplayName("a user that passwd does not know has its home in HOME")
  void home() throws Exception {
    Path home = Files.createDirectories(folder.resolve("home"));
    Path lie = Files.writeString(folder.resolve("file"), "");

    Ended there = run(List.of("-Duser.home=?"), Map.of("HOME", home.toString()), INSTALL);
    Ended nowhere = run(List.of("-Duser.home=?"), Map.of("HOME", lie.toString()), INSTALL);

    assertThat(there.status).as(there.errors).isZero();
    assertThat(home.resolve(".hyperstream/model-store")).isDirectory();
    assertThat(folder.resolve("?")).doesNotExist();
    assertThat(nowhere.status).isEqualTo(ExitCodes.FAILURE);
    assertThat(nowhere.errors).contains(lie.toString(), "set HOME", "HYPERSTREAM_MODEL_DIR");
  }

  private static final String[] INSTALL = {"model", "inspect", "starter-t5-mini"};

  @Test
  @DisplayName("native code that cannot be unpacked ends the start with the folder and the setting")
  void nativeCode() throws Exception {
    Path file = Files.writeString(folder.resolve("tmp"), "");
    Ended ended =
        run(
            List.of("-Djava.io.tmpdir=" + file),
            Map.of(),
            "serve",
            "--bootstrap-servers",
            "127.0.0.1:1",
            "--schema-registry-url",
            "http://127.0.0.1:1");

    assertThat(ended.status).isEqualTo(ExitCodes.FAILURE);
    assertThat(ended.errors)
        .contains("native code cannot be loaded from " + file, "-Djava.io.tmpdir=");
  }

  @Test
  @DisplayName("a variable that Kubernetes sets beside a Service is named")
  void serviceLink() throws Exception {
    Ended ended =
        run(
            List.of(),
            Map.of("HYPERSTREAM_HTTP_PORT", "tcp://10.96.0.12:8080"),
            "serve",
            "--bootstrap-servers",
            "127.0.0.1:1",
            "--schema-registry-url",
            "http://127.0.0.1:1");

    assertThat(ended.status).isEqualTo(ExitCodes.FAILURE);
    assertThat(ended.errors)
        .contains(
            "hyperstream: the environment's HYPERSTREAM_HTTP_PORT is tcp://10.96.0.12:8080,"
                + " expected a number",
            "enableServiceLinks");
  }

  /** In {@link #folder}, without variables of ours but those given. */
  private Ended run(List<String> javaOptions, Map<String, String> environment, String... args)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.addAll(javaOptions);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Hyperstream.class.getName());
    command.addAll(List.of(args));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.environment().keySet().removeIf(name -> name.matches("HYPERSTREAM_.*|LC_.*|LANG"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    try (InputStream errors = process.getErrorStream()) {
      String said = new String(errors.readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
      return new Ended(process.exitValue(), said);
    } finally {
      process.destroyForcibly();
    }
  }
}
