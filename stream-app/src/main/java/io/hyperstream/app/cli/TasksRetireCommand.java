package io.hyperstream.app.cli;

import io.hyperstream.app.streams.Sentences;
import io.hyperstream.model.task.NearNames;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "retire",
    mixinStandardHelpOptions = true,
    description = {
      "Retire tasks: their requests become dead letters from then on.",
      "What they were taught is erased; if there are examples it asks first."
    },
    footerHeading = "%nExample:%n",
    footer = "    hyperstream tasks retire old-task another-one")
final class TasksRetireCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ConnectionOptions connection;

  @Mixin private Confirmation confirmation;

  @Parameters(arity = "1..*", paramLabel = "TASK", description = "The tasks.")
  private List<String> taskIds;

  TasksRetireCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    try (Connection cluster = connection.connect()) {
      TaskTopic topic = new TaskTopic(cluster, console);
      Set<String> known = topic.read().keySet();
      List<String> unknown = taskIds.stream().filter(id -> !known.contains(id)).toList();
      if (!unknown.isEmpty()) {
        throw CommandFailure.failed(
            "not defined: "
                + String.join(", ", unknown)
                + NearNames.hint(unknown.get(0), known, "; `hyperstream tasks list` shows what is.")
                + " Nothing was retired");
      }
      LatestReports kept = LatestReports.read(cluster, console);
      confirmation.require(
          console,
          taskIds.stream()
              .filter(id -> !kept.of(id).isEmpty())
              .map(id -> id + ": " + Sentences.examples(kept.of(id)) + " erased")
              .toList());
      topic.retire(taskIds);
      console.note("retired " + String.join(", ", taskIds));
    }
    return ExitCodes.OK;
  }
}
