package io.hyperstream.app.cli;

import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskLabel;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "show",
    mixinStandardHelpOptions = true,
    description = "Print one task: its definition, and how many examples it keeps of each label.",
    footerHeading = "%nExample:%n",
    footer = "    hyperstream tasks show support-routing")
final class TasksShowCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ConnectionOptions connection;

  @Parameters(paramLabel = "TASK", description = "The task.")
  private String taskId;

  @Option(names = "--json", description = "As JSON, the whole definition.")
  private boolean json;

  TasksShowCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    try (Connection cluster = connection.connect()) {
      TaskDefinition task = TaskTopic.find(new TaskTopic(cluster, console).read(), taskId);
      LatestReports reports = LatestReports.read(cluster, console);
      Optional<String> problem = reports.problem(task);
      Map<String, Integer> aside = new TreeMap<>(reports.of(taskId));
      Map<String, Integer> kept = new TreeMap<>(aside);
      task.getLabels().stream().map(TaskLabel::getName).forEach(aside::remove);
      kept.keySet().removeAll(aside.keySet());
      if (json) {
        Map<String, Object> map = Rendering.toMap(task);
        map.put("valid", problem.isEmpty());
        map.put("problem", problem.orElse(null));
        map.put("examples", kept);
        map.put("setAside", aside);
        console.printJson(map);
      } else {
        print(task, kept, aside);
        problem.ifPresent(why -> console.print(Rendering.oneLine("cannot be served: " + why)));
      }
    }
    return ExitCodes.OK;
  }

  private void print(TaskDefinition task, Map<String, Integer> kept, Map<String, Integer> aside) {
    console.print(
        Rendering.oneLine(
            task.getTaskId()
                + "  "
                + task.getKind().name().toLowerCase(Locale.ROOT)
                + "  "
                + task.getDescription()));
    for (TaskLabel label : task.getLabels()) {
      String meaning = label.getDescription() == null ? "" : label.getDescription();
      int examples = kept.getOrDefault(label.getName(), 0);
      console.print(
          String.format(
                  Locale.ROOT,
                  "%8d  %s  %s",
                  examples,
                  Rendering.fit(label.getName(), 24),
                  Rendering.oneLine(meaning))
              .stripTrailing());
    }
    if (!aside.isEmpty()) {
      console.print(
          LatestReports.count(aside)
              + " set aside: the definition does not have "
              + Rendering.oneLine(Rendering.some(aside.keySet())));
    }
  }
}
