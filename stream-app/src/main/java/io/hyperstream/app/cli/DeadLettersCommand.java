package io.hyperstream.app.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** What was refused, why, and once more. */
@Command(
    name = "dead-letters",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "List the records that could not be used, and send them once more when the cause is fixed.",
      "A dead letter holds the record's own bytes; its code and message say what was wrong with it."
    },
    subcommands = {DeadLettersListCommand.class, DeadLettersReplayCommand.class},
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream dead-letters list --since 1d",
      "    hyperstream dead-letters replay --code UNKNOWN_TASK --task ticket-intent --dry-run",
      "    hyperstream dead-letters replay --code UNKNOWN_TASK --task ticket-intent"
    })
final class DeadLettersCommand implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "name what to do: list or replay");
  }
}
