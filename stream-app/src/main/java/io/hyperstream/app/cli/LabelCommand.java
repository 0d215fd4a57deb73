package io.hyperstream.app.cli;

import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.model.task.Label;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.TaskDefinition;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.producer.ProducerRecord;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Right answers, from a file, a pipe or the command line, into the labels topic. */
@Command(
    name = "label",
    mixinStandardHelpOptions = true,
    description = {
      "Teach tasks: send texts with their correct labels, one text or a file of any size.",
      "Each label is checked against the task's definition before it is sent. The application keeps"
          + " the examples, adapts the task when enough are new (or when told to: `hyperstream"
          + " adapt`), and serves the new version only if it is better."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream label --task support-routing examples.tsv",
      "    hyperstream label --task support-routing --text 'my parcel is late' --label delivery",
      "  The text of an earlier request, named by its id:",
      "    hyperstream label --task support-routing --request-id 4711 --label returns",
      "  Correct or remove a wrong label:",
      "    hyperstream label --task support-routing --text 'my parcel is late' --retract",
      "",
      "TSV: text and label; or text, second text and label; or a header line with names, as"
          + " CSV always has. JSONL fields: text, textPair, label, taskId, and requestId instead of a text. Delivery is"
          + " idempotent and acknowledged by all replicas; the same example sent twice counts once."
    })
final class LabelCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ConnectionOptions connection;

  @Option(
      names = {"-t", "--task"},
      paramLabel = "TASK",
      description = "The task of rows that do not name one.")
  private String task;

  @ArgGroup private Source source = new Source();

  /** What is labelled. */
  private static final class Source {
    @Parameters(
        index = "0",
        arity = "0..1",
        paramLabel = "FILE",
        description = "The file; - or nothing for standard input.")
    private String file;

    @Option(names = "--text", required = true, description = "The text itself.")
    private String text;

    @Option(
        names = "--request-id",
        required = true,
        paramLabel = "ID",
        description =
            "The earlier request whose text is meant. The application must be configured to"
                + " remember requests: hyperstream.adaptation.labels-by-request.")
    private String requestId;
  }

  @Option(names = "--text-pair", description = "With --text: the second text of a pair.")
  private String textPair;

  @Option(
      names = "--label",
      paramLabel = "LABEL",
      description = "With --text and --request-id: the right label.")
  private String label;

  @Option(names = "--retract", description = "Remove the examples. Labels in the file are ignored.")
  private boolean retract;

  @Option(
      names = "--source",
      paramLabel = "NAME",
      defaultValue = "${sys:user.name:-}",
      description = "The source, kept with each label. Default: the user's name.")
  private String labeller;

  @Mixin private InputOptions input;

  @Option(names = "--skip-bad", description = "Report unusable rows and go on; exits with 1.")
  private boolean skipBad;

  @Option(names = "--json", description = "Print {\"sent\": N, \"bad\": N} at the end.")
  private boolean json;

  private final Map<String, io.hyperstream.model.task.TaskDefinition> served = new HashMap<>();

  LabelCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    checkUsage();
    try (Connection cluster = connection.connect()) {
      cluster.require(cluster.topics().labels());
      Map<String, TaskDefinition> definitions = new TaskTopic(cluster, console).read();
      if (task != null) {
        TaskTopic.find(definitions, task);
      }
      if (isSingle()) {
        try {
          cluster.deliver("label", List.of(toRecord(single(), definitions, cluster)));
        } catch (InputRow.BadRowException e) {
          throw CommandFailure.failed(e.getMessage());
        }
        RowSender.report(console, "label", 1, 0, cluster.topics().labels().name(), json);
        return ExitCodes.OK;
      }
      return sendFile(definitions, cluster);
    }
  }

  private void checkUsage() {
    if (input.format() == InputFormat.LINES) {
      throw CommandFailure.usage("labels come as TSV, CSV or JSONL; a line alone has no label");
    }
    if (textPair != null && source.text == null) {
      throw CommandFailure.usage("--text-pair goes with --text; in files the pair is a column");
    }
    if (label != null && !isSingle()) {
      throw CommandFailure.usage("--label goes with --text or --request-id; files have their own");
    }
    if (isSingle() && task == null) {
      throw CommandFailure.usage("--text and --request-id need --task");
    }
    if (isSingle() && (label == null) != retract) {
      throw CommandFailure.usage("give --label LABEL, or --retract to take a label back");
    }
  }

  private boolean isSingle() {
    return source.text != null || source.requestId != null;
  }

  private InputRow single() {
    return new InputRow(
        source.text != null ? "--text" : "--request-id",
        source.text == null ? "" : source.text,
        Optional.ofNullable(textPair),
        Optional.empty(),
        Optional.ofNullable(source.requestId),
        Optional.empty(),
        Optional.ofNullable(label),
        Map.of());
  }

  private int sendFile(Map<String, TaskDefinition> definitions, Connection cluster)
      throws IOException {
    String file = source.file == null ? "-" : source.file;
    RowSender sender = new RowSender(console, "label", skipBad);
    try (InputReader rows = input.labels(console, file)) {
      sender.send(rows, cluster, row -> toRecord(row, definitions, cluster));
    }
    return sender.report(cluster.topics().labels().name(), json);
  }

  private ProducerRecord<String, byte[]> toRecord(
      InputRow row, Map<String, TaskDefinition> definitions, Connection cluster) {
    String taskId = row.taskOr(Optional.ofNullable(task));
    TaskDefinition definition = definitions.get(taskId);
    if (definition == null) {
      throw bad(row, TaskTopic.undefined(definitions, taskId));
    }
    boolean byRequest = row.text().isEmpty() && row.requestId().isPresent();
    if (!byRequest && row.text().isBlank()) {
      throw bad(row, row.text().isEmpty() ? "the text is empty" : "the text is blank");
    }
    LabelEvent event =
        LabelEvent.newBuilder()
            .setTaskId(taskId)
            .setRequestId(byRequest ? row.requestId().get() : null)
            .setText(byRequest ? null : row.text())
            .setTextPair(row.textPair().orElse(null))
            .setLabel(checkedLabel(row, definition, byRequest))
            .setSource(labeller)
            .setCreatedAt(Instant.now().truncatedTo(ChronoUnit.MILLIS))
            .build();
    String topic = cluster.topics().labels().name();
    // The task as the key: a label and its retraction keep their order.
    return new ProducerRecord<>(topic, taskId, cluster.codec().serialize(topic, event));
  }

  private String checkedLabel(InputRow row, TaskDefinition definition, boolean byRequest) {
    String label =
        retract
            ? null
            : Label.canonical(row.label().orElseThrow(() -> bad(row, "the row has no label")));
    boolean pair = byRequest || row.textPair().isPresent();
    TaskDefinitions.cannotLearn(asServed(row, definition), pair, label)
        .ifPresent(
            why -> {
              throw bad(row, why);
            });
    return label;
  }

  private io.hyperstream.model.task.TaskDefinition asServed(InputRow row, TaskDefinition written) {
    try {
      return served.computeIfAbsent(written.getTaskId(), id -> Definitions.toModel(written));
    } catch (IllegalArgumentException e) {
      String why = "' cannot be served, so it cannot learn: ";
      throw bad(row, "the task '" + written.getTaskId() + why + e.getMessage());
    }
  }

  private static InputRow.BadRowException bad(InputRow row, String message) {
    return new InputRow.BadRowException(row.where() + ": " + message);
  }
}
