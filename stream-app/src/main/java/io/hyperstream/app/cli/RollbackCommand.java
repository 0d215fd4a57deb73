package io.hyperstream.app.cli;

import io.hyperstream.schemas.AdaptationAction;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** An earlier version of a task, served again. */
@Command(
    name = "rollback",
    mixinStandardHelpOptions = true,
    description = {
      "Serve an earlier version of a task again.",
      "It is published as a new version with the old content, so that version numbers only grow."
          + " It is pinned: the task keeps adapting and reporting, but nothing replaces it until"
          + " `hyperstream adapt --unpin`."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream versions --task support-routing",
      "    hyperstream rollback --task support-routing --to 3 --wait"
    })
final class RollbackCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private AdaptationOrder order;

  @Option(
      names = "--to",
      paramLabel = "VERSION",
      description = "The version. Default: the one the served version was made from.")
  private Long version;

  RollbackCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (version != null && version < 1) {
      throw CommandFailure.usage(
          "versions count from 1; `hyperstream adapt --reset` returns to the initial adapter");
    }
    try (Connection cluster = order.connection.connect()) {
      order.requireTask(cluster, console);
      checkVersion(cluster);
      return order.send(
          order.order(AdaptationAction.ROLLBACK).setVersion(version).build(), cluster, console);
    }
  }

  private void checkVersion(Connection cluster) throws InterruptedException {
    List<Long> published =
        new VersionsTopic(cluster, console)
            .read(order.task).stream().map(entry -> entry.version().getVersion()).toList();
    if (published.isEmpty()) {
      throw CommandFailure.failed(
          "the task '" + order.task + "' has no version to return to; it is served by version 0");
    }
    if (version != null && !published.contains(version)) {
      throw CommandFailure.failed(
          "the task '"
              + order.task
              + "' has no version "
              + version
              + "; it has "
              + published.stream()
                  .distinct()
                  .map(String::valueOf)
                  .collect(Collectors.joining(", ")));
    }
  }
}
