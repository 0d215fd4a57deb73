package io.hyperstream.app.cli;

import io.hyperstream.app.streams.Sentences;
import io.hyperstream.schemas.Prediction;
import io.hyperstream.schemas.Topic;
import io.hyperstream.schemas.UndecodableRecordException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Predictions, or dead letters, out of their topic. */
@Command(
    name = "consume",
    mixinStandardHelpOptions = true,
    description = {
      "Print predictions: those that are there, or with --follow those that come.",
      "Only committed ones, so each request's answer appears exactly once. Columns: task, answer,"
          + " score, version of the task's adapters that answered, request id; `untaught` if that version"
          + " has not learnt from any label. `no answer (score 0.34 < 0.5)`: the score was below the"
          + " task's abstainBelow."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  What has been answered so far:",
      "    hyperstream consume",
      "  Watch one task, as JSON for another program:",
      "    hyperstream consume --follow --task product-review --json | jq .label",
      "  Everything from the beginning, and then what comes:",
      "    hyperstream consume --from-beginning --follow",
      "  What could not be answered, and why (`hyperstream dead-letters` selects and replays):",
      "    hyperstream consume --dead-letters"
    })
final class ConsumeCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ConnectionOptions connection;

  @Option(
      names = {"-f", "--follow"},
      description = "Wait for more until interrupted; starts with what comes from now on.")
  private boolean follow;

  @Option(names = "--from-beginning", description = "With --follow: first what is already there.")
  private boolean fromBeginning;

  @Option(
      names = {"-t", "--task"},
      paramLabel = "TASK",
      description = "Only this task.")
  private String task;

  @Option(names = "--json", description = "One JSON object per line, with the whole distribution.")
  private boolean json;

  @Option(names = "--dead-letters", description = "Print refused requests instead.")
  private boolean deadLetters;

  @Option(
      names = {"-n", "--max"},
      paramLabel = "N",
      description = "Stop after N.")
  private long max = Long.MAX_VALUE;

  private long printed;

  ConsumeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (deadLetters && task != null) {
      throw CommandFailure.usage(
          "--task does not go with --dead-letters: a refused request may not even be readable");
    }
    CommandFailure.requirePositive("--max", max);
    try (Connection cluster = connection.connect()) {
      Topic topic = deadLetters ? cluster.topics().deadLetters() : cluster.topics().predictions();
      cluster.require(topic);
      if (follow && task != null) {
        TaskTopic.noteIfUndefined(task, cluster, console);
      }
      try (TopicReader reader =
          new TopicReader(cluster.consumer(), List.of(topic.name()), fromBeginning || !follow)) {
        while (printed < max && (follow || !reader.reachedEnd())) {
          for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
            if (printed < max) {
              print(record, cluster);
            }
          }
        }
      }
      if (!follow && printed == 0 && task != null) {
        TaskTopic.require(task, cluster, console);
      }
    }
    if (!follow && printed == 0) {
      console.note("nothing there yet; --follow waits");
    }
    return ExitCodes.OK;
  }

  private void print(ConsumerRecord<byte[], byte[]> record, Connection cluster) {
    if (deadLetters) {
      printDeadLetter(new DeadLetter(record));
      return;
    }
    Prediction prediction;
    try {
      prediction = cluster.codec().deserialize(record.topic(), record.value(), Prediction.class);
    } catch (UndecodableRecordException e) {
      console.note(
          record.topic()
              + "-"
              + record.partition()
              + "@"
              + record.offset()
              + ": "
              + Sentences.of(e));
      return;
    }
    if (task != null && !task.equals(prediction.getTaskId())) {
      return;
    }
    printed++;
    if (json) {
      console.printJson(Rendering.toMap(prediction, record));
    } else {
      console.print(
          String.format(
              Locale.ROOT,
              "%-24s %-28s %5.3f  v%-3d %s%s",
              prediction.getTaskId(),
              Rendering.answer(prediction),
              prediction.getScore(),
              prediction.getAdapterVersion(),
              prediction.getRequestId(),
              prediction.getTaught() ? "" : "  untaught"));
    }
  }

  private void printDeadLetter(DeadLetter letter) {
    printed++;
    if (json) {
      console.printJson(letter.toMap());
    } else {
      console.print(
          String.format(
              Locale.ROOT, "%-18s %s  %s", letter.code(), letter.sourceText(), letter.message()));
    }
  }
}
