package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.channels.Channels;
import java.nio.channels.Pipe;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class HyperstreamTest {
  @TempDir Path folder;

  @Test
  @DisplayName("--help teaches: examples, commands and exit codes, on standard output")
  void helpTeaches() {
    CommandRun run = CommandRun.of("--help");

    assertThat(run.exitCode()).isEqualTo(ExitCodes.OK);
    assertThat(run.err()).isEmpty();
    assertThat(run.out())
        .contains("Examples:", "hyperstream demo", "Exit codes:", "3", "130")
        .contains("--verbose", "--version");
  }

  @Test
  @DisplayName("every command has a description, an example and --help")
  void everyCommandExplainsItself() {
    CommandLine root = Hyperstream.commandLine(Console.ofProcess());
    for (CommandLine command : root.getSubcommands().values()) {
      String usage = command.getUsageMessage();
      assertThat(usage)
          .as(command.getCommandName())
          .contains("--help", "hyperstream " + command.getCommandName());
      assertThat(command.getCommandSpec().usageMessage().description())
          .as(command.getCommandName())
          .isNotEmpty();
    }
  }

  @Test
  @DisplayName("a misspelt command is a usage error that names the nearest one")
  void unknownCommand() {
    CommandRun run = CommandRun.of("dmo");

    assertThat(run.exitCode()).isEqualTo(ExitCodes.USAGE);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("dmo").contains("hyperstream --help");
  }

  @Test
  @DisplayName("no command is a usage error")
  void noCommand() {
    CommandRun run = CommandRun.of();

    assertThat(run.exitCode()).isEqualTo(ExitCodes.USAGE);
    assertThat(run.err()).contains("name a command");
  }

  @ParameterizedTest(name = "{0}")
  @DisplayName("a text that begins with @ is a text, and no file of arguments")
  @ValueSource(strings = {"@FILE", "@@FILE", "@nobody"})
  void atSigns(String written) throws IOException {
    Path file = Files.writeString(folder.resolve("bob"), "--help\n");
    String text = written.replace("FILE", file.toString());
    CommandLine root = Hyperstream.commandLine(Console.ofProcess());

    CommandLine.ParseResult parsed =
        root.parseArgs("predict", "--task", "t", "--text", text).subcommand();

    assertThat(parsed.isUsageHelpRequested()).isFalse();
    assertThat(parsed.<String>matchedOptionValue("--text", "")).isEqualTo(text);
  }

  @Test
  @DisplayName("--version names the version and the Java it runs on")
  void version() {
    CommandRun run = CommandRun.of("--version");

    assertThat(run.exitCode()).isEqualTo(ExitCodes.OK);
    assertThat(run.out()).contains("hyperstream ").contains("Java ");
  }

  @ParameterizedTest(name = "{0}")
  @DisplayName("an output that cannot be written is a failure with its reason")
  @ValueSource(strings = {"--help", "--version", "api-key --name ann --role read --json"})
  void fullDisk(String line) throws IOException {
    CommandRun run = into(new FileOutputStream("/dev/full"), line);

    assertThat(run.exitCode()).isEqualTo(ExitCodes.FAILURE);
    assertThat(run.err().lines().filter(text -> text.startsWith("hyperstream: ")))
        .singleElement()
        .asString()
        .startsWith("hyperstream: the output could not be written: ")
        .contains("No space left on device", "not complete");
  }

  @Test
  @DisplayName("a failure keeps its own status if its output cannot be written either")
  void fullDiskOfFailure() throws IOException {
    assertThat(into(new FileOutputStream("/dev/full"), "no-such-command").exitCode())
        .isEqualTo(ExitCodes.USAGE);
  }

  @ParameterizedTest(name = "{0}")
  @DisplayName("a reader that has gone ends a command without a failure")
  @ValueSource(strings = {"--help", "api-key --name ann --role read --json"})
  void closedPipe(String line) throws IOException {
    Pipe pipe = Pipe.open();
    pipe.source().close();

    CommandRun run = into(Channels.newOutputStream(pipe.sink()), line);

    assertThat(run.exitCode()).isEqualTo(ExitCodes.OK);
    assertThat(run.err()).doesNotContain("hyperstream: ");
  }

  private static CommandRun into(OutputStream out, String line) throws IOException {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    try (out) {
      Console console =
          new Console(
              InputStream.nullInputStream(),
              out,
              new PrintStream(err, true, StandardCharsets.UTF_8),
              false,
              false,
              100);
      int status = Hyperstream.run(console, line.split(" ", -1));
      return new CommandRun(status, "", err.toString(StandardCharsets.UTF_8));
    }
  }
}
