package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class HyperstreamTest {

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

  @Test
  @DisplayName("--version names the version and the Java it runs on")
  void version() {
    CommandRun run = CommandRun.of("--version");

    assertThat(run.exitCode()).isEqualTo(ExitCodes.OK);
    assertThat(run.out()).contains("hyperstream ").contains("Java ");
  }
}
