package io.hyperstream.app.cli;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    description = {
      "Print the dead letters.",
      "Columns: letter (its partition and offset), when it was written, code, task, where the record"
          + " was read, message."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream dead-letters list",
      "    hyperstream dead-letters list --code EMPTY_TEXT,TEXT_TOO_LONG --since 12h",
      "    hyperstream dead-letters list --json | jq -r .task | sort | uniq -c"
    })
final class DeadLettersListCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ConnectionOptions connection;
  @Mixin private DeadLetterSelection selection;

  @Option(names = "--json", description = "One JSON object per line.")
  private boolean json;

  DeadLettersListCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    Map<String, Integer> counts = new TreeMap<>();
    try (Connection cluster = connection.connect()) {
      cluster.require(cluster.topics().deadLetters());
      String topic = cluster.topics().deadLetters().name();
      try (TopicReader reader = new TopicReader(cluster.consumer(), List.of(topic), true)) {
        reader.readToEnd(
            record -> {
              DeadLetter letter = new DeadLetter(record);
              if (selection.contains(letter, cluster)) {
                counts.merge(letter.code(), 1, Integer::sum);
                print(letter, letter.task(cluster));
              }
            });
      }
      if (counts.isEmpty() && selection.task() != null) {
        TaskTopic.require(selection.task(), cluster, console);
      }
    }
    if (!json) {
      console.note(summary(counts));
    }
    return ExitCodes.OK;
  }

  private void print(DeadLetter letter, Optional<String> task) {
    if (json) {
      Map<String, Object> map = letter.toMap();
      map.put("task", task.orElse(null));
      console.printJson(map);
    } else {
      console.print(letter.line(task));
    }
  }

  private static String summary(Map<String, Integer> counts) {
    int all = counts.values().stream().mapToInt(Integer::intValue).sum();
    return switch (all) {
      case 0 -> "no such dead letter";
      case 1 -> "1 dead letter";
      default ->
          all
              + " dead letters: "
              + counts.entrySet().stream()
                  .map(count -> count.getValue() + " " + count.getKey())
                  .collect(Collectors.joining(", "));
    };
  }
}
