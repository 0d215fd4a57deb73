package io.hyperstream.app.cli;

import io.hyperstream.schemas.TaskDefinition;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    description = {
      "Print the defined tasks, how often what serves was right on labels it had not learnt (with"
          + " the 95 % interval and how many labels), and why one cannot be served: what its definition says, or what the"
          + " running application reported of it."
    },
    footerHeading = "%nExample:%n",
    footer = "    hyperstream tasks list --json | jq -r '.[].taskId'")
final class TasksListCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ConnectionOptions connection;

  @Option(
      names = "--json",
      description = "A JSON array of whole definitions, with valid and problem.")
  private boolean json;

  TasksListCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    try (Connection cluster = connection.connect()) {
      Map<String, TaskDefinition> definitions = new TaskTopic(cluster, console).read();
      LatestReports reports = LatestReports.read(cluster, console);
      if (json) {
        List<Map<String, Object>> all = definitions.values().stream().map(reports::toMap).toList();
        console.printJson(all);
        return ExitCodes.OK;
      }
      if (definitions.isEmpty()) {
        console.note(
            "no tasks yet; `hyperstream tasks create -f FILE.yaml` defines some, and with --from-model"
                + " those that a model was trained on, such as starter-t5-mini");
      }
      for (TaskDefinition definition : definitions.values()) {
        String labels =
            definition.getLabels().isEmpty() ? "" : definition.getLabels().size() + " labels";
        console.print(
            String.format(
                Locale.ROOT,
                "%-28s %-15s %-11s %-20s %s",
                definition.getTaskId(),
                definition.getKind().name().toLowerCase(Locale.ROOT),
                labels,
                reports.served(definition.getTaskId()).map(AdaptationRendering::brief).orElse(""),
                Rendering.oneLine(
                    reports
                        .problem(definition)
                        .map(why -> "cannot be served: " + why)
                        .orElse(definition.getDescription()))));
      }
    }
    return ExitCodes.OK;
  }
}
