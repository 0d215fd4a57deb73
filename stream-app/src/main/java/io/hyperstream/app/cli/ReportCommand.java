package io.hyperstream.app.cli;

import io.hyperstream.schemas.AdaptationReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The outcome of each attempt to change a task. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = {
      "Print the attempts to adapt tasks, promoted or not, oldest first.",
      "Before and after are measured on examples the new version was not trained on. How often what"
          + " serves was right counts each label since it serves, before it saw the label."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream report --task support-routing",
      "    hyperstream report --task support-routing --last 1 --json | jq .reason",
      "    hyperstream report --follow    # of all tasks, as they come"
    })
final class ReportCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ConnectionOptions connection;

  @Option(
      names = {"-t", "--task"},
      paramLabel = "TASK",
      description = "Only this task.")
  private String task;

  @Option(
      names = "--last",
      paramLabel = "N",
      defaultValue = "10",
      description = "At most this many of the existing reports. Default: ${DEFAULT-VALUE}.")
  private int last;

  @Option(
      names = {"-f", "--follow"},
      description = "Then wait for more until interrupted.")
  private boolean follow;

  @Option(names = "--json", description = "One JSON object per line.")
  private boolean json;

  ReportCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (last < 0) {
      throw CommandFailure.usage("--last must be 0 or more; it is " + last);
    }
    try (Connection cluster = connection.connect()) {
      cluster.require(cluster.topics().reports());
      if (follow && task != null) {
        TaskTopic.noteIfUndefined(task, cluster, console);
      }
      try (TopicReader reader =
          new TopicReader(cluster.consumer(), List.of(cluster.topics().reports().name()), true)) {
        List<AdaptationReport> reports = new ArrayList<>();
        reader.readToEnd(
            record -> AdaptationRendering.read(record, task, cluster).ifPresent(reports::add));
        // Partitions come in any order.
        reports.sort(Comparator.comparing(AdaptationReport::getFinishedAt));
        reports.subList(Math.max(0, reports.size() - last), reports.size()).forEach(this::print);
        if (!follow && reports.isEmpty()) {
          if (task != null) {
            TaskTopic.require(task, cluster, console);
          }
          console.note("no report yet; --follow waits");
        }
        while (follow) {
          reader
              .poll(Duration.ofMillis(200))
              .forEach(
                  record -> AdaptationRendering.read(record, task, cluster).ifPresent(this::print));
        }
      }
    }
    return ExitCodes.OK;
  }

  private void print(AdaptationReport report) {
    if (json) {
      console.printJson(AdaptationRendering.toMap(report));
    } else {
      AdaptationRendering.lines(report).forEach(console::print);
    }
  }
}
