package io.hyperstream.app.cli;

import io.hyperstream.app.streams.Sentences;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskLabel;
import java.util.Locale;
import java.util.Map;
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
      Map<String, Integer> aside = new TreeMap<>(reports.of(taskId));
      Map<String, Integer> kept = new TreeMap<>(aside);
      task.getLabels().stream().map(TaskLabel::getName).forEach(aside::remove);
      kept.keySet().removeAll(aside.keySet());
      if (json) {
        Map<String, Object> map = reports.toMap(task);
        map.put("examples", kept);
        map.put("setAside", aside);
        console.printJson(map);
      } else {
        print(task, kept, aside);
        reports.served(taskId).map(AdaptationRendering::served).ifPresent(console::print);
        reports
            .problem(task)
            .ifPresent(why -> console.print(Rendering.oneLine("cannot be served: " + why)));
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
          Sentences.examples(aside)
              + " set aside: the definition does not have "
              + Rendering.oneLine(Rendering.some(aside.keySet())));
    }
  }
}
