package io.hyperstream.app.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** What tasks there are; new ones need no deployment. */
@Command(
    name = "tasks",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "List, show, create and retire tasks on a running system.",
      "A task is one record in a topic: it is served a moment after it was sent, without restart."
    },
    subcommands = {
      TasksListCommand.class,
      TasksShowCommand.class,
      TasksCreateCommand.class,
      TasksRetireCommand.class
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream tasks list",
      "    hyperstream tasks show ticket-intent",
      "    hyperstream tasks create -f tickets.yaml",
      "    hyperstream tasks create --model starter-t5-mini --from-model clinc_banking",
      "    hyperstream tasks retire old-task",
      "",
      "tickets.yaml:",
      "    taskId: ticket-intent",
      "    description: What a support ticket is about",
      "    labels:",
      "    - {name: refund, description: the customer wants money back}",
      "    - {name: delivery, description: where a parcel is and when it comes}",
      "    - {name: other, verbalizer: something else, description: any other question}",
      "    initFrom: [clinc_banking]    # of a T5 with a hypernetwork: learned tasks to start from",
      "A label's description says what it means (at most 512 characters) and counts if every"
          + " label has one; its verbalizer takes the place of its name for the model. Both may be"
          + " left out.",
      "Several tasks: a list of these, or a mapping `tasks: [...]`. Further fields: kind,"
          + " template, templatePair, overLength, scoring, abstainBelow (a score; below it a"
          + " prediction has no label), adaptation."
    })
final class TasksCommand implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "name what to do: list, show, create or retire");
  }
}
