package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.testing.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("On any machine")
class HostTest {
  private static final Map<String, String> POSIX = Map.of("LC_ALL", "C");

  @TempDir Path folder;

  /** What a process of ours said on standard error, and how it ended. */
  /** Where nothing listens. */
  private static final String[] SERVE = {
    "serve", "--bootstrap-servers", "127.0.0.1:1", "--schema-registry-url", "http://127.0.0.1:1"
  };

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
  @DisplayName("an argument that is not UTF-8 is refused in a locale of UTF-8 too")
  void notUtf8() throws Exception {
    String java = "'" + String.join("' '", ChildJvm.command()) + "'";
    ProcessBuilder builder =
        new ProcessBuilder(
                "bash",
                "-c",
                java
                    + " -cp \"$CP\" "
                    + Hyperstream.class.getName()
                    + " predict --labels a,b --text $'a\\xffb'")
            .redirectErrorStream(true);
    builder.environment().put("CP", System.getProperty("java.class.path"));
    builder.environment().put("LC_ALL", "C.UTF-8");
    Process process = builder.start();
    process.getOutputStream().close();
    assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("hyperstream: an argument is not UTF-8");
    assertThat(process.waitFor()).isEqualTo(ExitCodes.USAGE);
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
    Ended ended = run(List.of("-Djava.io.tmpdir=" + file), Map.of(), SERVE);

    assertThat(ended.status).isEqualTo(ExitCodes.FAILURE);
    assertThat(ended.errors)
        .contains("native code cannot be loaded from " + file, "-Djava.io.tmpdir=");
  }

  @Test
  @DisplayName("a variable that Kubernetes sets beside a Service is named")
  void serviceLink() throws Exception {
    Ended ended = run(List.of(), Map.of("HYPERSTREAM_HTTP_PORT", "tcp://10.96.0.12:8080"), SERVE);

    assertThat(ended.status).isEqualTo(ExitCodes.FAILURE);
    assertThat(ended.errors)
        .contains(
            "hyperstream: the environment's HYPERSTREAM_HTTP_PORT is tcp://10.96.0.12:8080,"
                + " expected a number",
            "enableServiceLinks");
  }

  @Test
  @DisplayName("HTTP goes through the proxy of the environment, with its credentials")
  void proxy() throws Exception {
    try (FakeProxy proxy = new FakeProxy()) {
      Ended refused =
          run(
              List.of(),
              Map.of("HTTPS_PROXY", "http://" + proxy.address()),
              "model",
              "import",
              "https://hub.invalid/o/n");
      Ended passed =
          run(
              List.of(),
              Map.of("http_proxy", "http://me:pa%40ss@" + proxy.address(), "NO_PROXY", "else"),
              "model",
              "import",
              "http://hub.invalid/o/n");

      assertThat(refused.errors)
          .contains("the proxy " + proxy.address() + " asks for credentials", "HTTPS_PROXY");
      assertThat(passed.errors).contains("answers 404");
      assertThat(proxy.seen)
          .anyMatch(line -> line.startsWith("CONNECT hub.invalid:443"))
          .anyMatch(
              line ->
                  line.startsWith("GET http://hub.invalid/o/n")
                      && line.endsWith(" Basic " + base64("me:pa@ss")));
    }
  }

  @Test
  @DisplayName("a proxy that is none for HTTP is said, and stops nothing")
  void otherProxy() throws Exception {
    Ended version =
        run(List.of(), Map.of("HTTPS_PROXY", "socks5://secret@proxy:1080"), "--version");

    assertThat(version.status).isZero();
    assertThat(version.errors).contains("https_proxy").doesNotContain("secret");
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  @DisplayName("NO_PROXY names a host and all below it; this machine is never proxied")
  void notProxied() {
    assertThat(Proxies.notProxied("")).isEqualTo("localhost|127.*|[::1]|0.0.0.0|[::0]");
    assertThat(Proxies.notProxied("a.example, .b.example,*.c,d:8081"))
        .endsWith("|a.example|*.a.example|b.example|*.b.example|c|*.c|d|*.d");
  }

  /** Asks for credentials; has no page. */
  private static final class FakeProxy implements AutoCloseable {
    private final ServerSocket socket;
    private final List<String> seen = new CopyOnWriteArrayList<>();

    FakeProxy() throws IOException {
      socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
      Thread thread = new Thread(this::serve, "fake-proxy");
      thread.setDaemon(true);
      thread.start();
    }

    String address() {
      return "127.0.0.1:" + socket.getLocalPort();
    }

    private void serve() {
      while (!socket.isClosed()) {
        try (Socket caller = socket.accept();
            BufferedReader in =
                new BufferedReader(
                    new InputStreamReader(caller.getInputStream(), StandardCharsets.US_ASCII))) {
          String request = in.readLine();
          String shown = "";
          for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
            shown = line.startsWith("Proxy-Authorization:") ? line : shown;
          }
          seen.add(request + " " + shown);
          String answer =
              shown.isEmpty()
                  ? "407 Who\r\nProxy-Authenticate: Basic realm=\"p\""
                  : "404 Not Found";
          caller
              .getOutputStream()
              .write(
                  ("HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                      .getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
          // Closed, or the caller has gone.
        }
      }
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** In {@link #folder}, without variables of ours but those given. */
  private Ended run(List<String> javaOptions, Map<String, String> environment, String... args)
      throws IOException, InterruptedException {
    List<String> command = ChildJvm.command();
    command.addAll(javaOptions);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Hyperstream.class.getName());
    command.addAll(List.of(args));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.matches("HYPERSTREAM_.*|LC_.*|LANG|(?i:.*_proxy)"));
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
