package io.hyperstream.app.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** {@code hyperstream} itself: only help and options common to all commands. */
@Command(
    name = "hyperstream",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
      DemoCommand.class,
      ServeCommand.class,
      ProduceCommand.class,
      ConsumeCommand.class,
      PredictCommand.class,
      EmbedCommand.class,
      TrainCommand.class,
      TasksCommand.class,
      LabelCommand.class,
      AdaptCommand.class,
      VersionsCommand.class,
      ReportCommand.class,
      RollbackCommand.class,
      ForgetCommand.class,
      DeadLettersCommand.class,
      ModelCommand.class,
      ApiKeyCommand.class,
      EvaluateCommand.class,
      BenchCommand.class
    },
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "Streaming, multi-task text inference on Kafka.",
      "",
      "Task-tagged text goes into a topic, predictions of one frozen transformer with adapters "
          + "come out of another, exactly once."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:failed; the message says what to do",
      "2:wrong arguments",
      "3:a verification did not pass",
      "4:a new version was not better and is not served (adapt --wait)",
      "5:measured, but not cleanly: repetitions differ or others used the machine (bench)",
      "130:interrupted (143 when terminated)"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  See everything work, offline, in a minute or two:",
      "    hyperstream demo",
      "  Run it for real on this machine, then send and receive from another terminal:",
      "    hyperstream serve --embedded",
      "    hyperstream tasks create -f tickets.yaml    # as in `hyperstream tasks --help`",
      "    echo 'where is my parcel?' | hyperstream produce --task ticket-intent",
      "    hyperstream consume",
      "  Teach a task from examples while it runs:",
      "    hyperstream label --task ticket-intent examples.tsv",
      "    hyperstream adapt --task ticket-intent --wait",
      "  Ask the model without Kafka:",
      "    hyperstream predict --definitions tickets.yaml --task ticket-intent --text 'where is it?'",
      "  Against your own cluster:",
      "    hyperstream tasks list --bootstrap-servers kafka:9092 \\",
      "      --schema-registry-url https://registry:8081 \\",
      "      --command-config client.properties",
      "",
      "`hyperstream COMMAND --help` explains each command with examples."
    })
final class RootCommand implements Runnable {
  private final Console console;

  @picocli.CommandLine.Spec private picocli.CommandLine.Model.CommandSpec spec;

  RootCommand(Console console) {
    this.console = console;
  }

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Show the application's log and the stack traces of failures.")
  void verbose(boolean on) {
    console.verbose(on);
  }

  @Override
  public void run() {
    throw new picocli.CommandLine.ParameterException(
        spec.commandLine(), "name a command; `hyperstream --help` lists them");
  }
}
