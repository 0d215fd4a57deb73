package io.hyperstream.app.cli;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a task has learnt so far, version by version. */
@Command(
    name = "versions",
    mixinStandardHelpOptions = true,
    description = {
      "Print the published versions of a task, the oldest first; * marks the one served now.",
      "Before the first one the task is served by version 0, the initial adapter."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream versions --task support-routing",
      "    hyperstream versions --task support-routing --json | jq '.[] | select(.served)'"
    })
final class VersionsCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ConnectionOptions connection;

  @Option(
      names = {"-t", "--task"},
      required = true,
      paramLabel = "TASK",
      description = "The task.")
  private String task;

  @Option(names = "--json", description = "A JSON array.")
  private boolean json;

  VersionsCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    try (Connection cluster = connection.connect()) {
      List<VersionsTopic.Entry> versions = new VersionsTopic(cluster, console).read(task);
      if (versions.isEmpty()) {
        // A retired task may still have versions; one without must at least be defined.
        TaskTopic.require(task, cluster, console);
      }
      if (json) {
        console.printJson(versions.stream().map(AdaptationRendering::toMap).toList());
      } else if (versions.isEmpty()) {
        console.note("no version yet; `hyperstream label --task " + task + "` teaches the task");
      } else {
        AdaptationRendering.table(versions).forEach(console::print);
      }
    }
    return ExitCodes.OK;
  }
}
