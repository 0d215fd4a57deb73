package io.hyperstream.app.cli;

import io.hyperstream.schemas.ServedState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
      "Before the first one the task is served by version 0, the initial adapter. The last line says"
          + " how often what serves was right on labels it had not learnt, as of the latest report."
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
      Optional<ServedState> served = LatestReports.read(cluster, console).served(task);
      if (json) {
        List<Map<String, Object>> all = new ArrayList<>();
        for (VersionsTopic.Entry entry : versions) {
          Map<String, Object> map = AdaptationRendering.toMap(entry);
          AdaptationRendering.addServed(
              map,
              served
                  .filter(s -> entry.served() && s.getVersion() == entry.version().getVersion())
                  .orElse(null));
          all.add(map);
        }
        console.printJson(all);
      } else if (versions.isEmpty()) {
        console.note("no version yet; `hyperstream label --task " + task + "` teaches the task");
      } else {
        AdaptationRendering.table(versions).forEach(console::print);
        served.map(AdaptationRendering::served).ifPresent(console::print);
      }
    }
    return ExitCodes.OK;
  }
}
