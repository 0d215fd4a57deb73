package io.hyperstream.app.cli;

import io.hyperstream.schemas.TaskDefinition;
import java.io.InputStream;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "create",
    mixinStandardHelpOptions = true,
    description = "Define tasks, or change those that are defined.",
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream tasks create -f tickets.yaml",
    })
final class TasksCreateCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ConnectionOptions connection;

  @Option(
      names = {"-f", "--file"},
      required = true,
      paramLabel = "FILE.yaml",
      description = "Definitions in YAML; - for standard input.")
  private String file;

  TasksCreateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    List<TaskDefinition> definitions;
    try (InputStream in = ProduceCommand.open(console, file)) {
      definitions = TaskYaml.read(file.equals("-") ? "(standard input)" : file, in);
    }
    try (Connection cluster = connection.connect()) {
      new TaskTopic(cluster, console).create(definitions);
    }
    for (TaskDefinition definition : definitions) {
      console.note("defined " + definition.getTaskId());
    }
    return ExitCodes.OK;
  }
}
