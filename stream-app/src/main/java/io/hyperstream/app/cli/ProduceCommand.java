package io.hyperstream.app.cli;

import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.schemas.InferenceRequest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.producer.ProducerRecord;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Texts from a file or a pipe into the requests topic. */
@Command(
    name = "produce",
    mixinStandardHelpOptions = true,
    description = "Send texts as requests, streaming whatever the size of the file.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  One text per line, from a pipe or a file:",
      "    echo 'where is my parcel?' | hyperstream produce --task ticket-intent",
      "    hyperstream produce --task product-review reviews.txt",
      "  Pairs, as columns or as JSON, each row with its own task if it wants:",
      "    hyperstream produce --task aspect-sentiment pairs.tsv",
      "    hyperstream produce --task product-review reviews.csv --column text=review",
      "    hyperstream produce rows.jsonl    # {\"taskId\": \"..\", \"text\": \"..\"}",
      "",
      "JSONL fields: text, textPair, taskId, requestId, key, attributes. TSV: text [textPair], or a"
          + " header line with these names. CSV: always with a header line; --column names other"
          + " columns. Delivery is idempotent and acknowledged by all replicas;"
          + " a file sent twice is asked twice unless rows carry their requestId."
    })
final class ProduceCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private ConnectionOptions connection;

  @Option(
      names = {"-t", "--task"},
      paramLabel = "TASK",
      description = "The task of rows that do not name one.")
  private String task;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "FILE",
      defaultValue = "-",
      description = "The file; - or nothing for standard input.")
  private String file;

  @Mixin private InputOptions input;

  @Option(
      names = "--key",
      description =
          "Key of all records, so that their answers keep the order. Default: each row's key, else"
              + " its request id.")
  private String key;

  @Option(
      names = "--attribute",
      paramLabel = "K=V",
      description = "Added to every request and copied to its prediction; repeatable.")
  private Map<String, String> attributes = new LinkedHashMap<>();

  @Option(
      names = "--any-task",
      description =
          "Send to tasks that are not defined, too; their requests become dead letters unless they"
              + " are defined in time.")
  private boolean anyTask;

  @Option(names = "--skip-bad", description = "Report unusable rows and go on; exits with 1.")
  private boolean skipBad;

  @Option(names = "--json", description = "Print {\"sent\": N, \"bad\": N} at the end.")
  private boolean json;

  private Map<String, io.hyperstream.schemas.TaskDefinition> defined = Map.of();

  /** Tasks that were looked up and are not defined. */
  private final Set<String> undefined = new HashSet<>();

  ProduceCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (task != null) {
      TaskDefinition.checkTaskId(task);
    }
    RowSender sender = new RowSender(console, "request", skipBad);
    try (InputReader rows = input.texts(console, file);
        Connection cluster = connection.connect()) {
      cluster.require(cluster.topics().requests());
      Optional<TaskTopic> tasks =
          anyTask ? Optional.empty() : Optional.of(new TaskTopic(cluster, console));
      if (task != null) {
        requireDefined(task, tasks);
      }
      sender.send(rows, cluster, row -> toRecord(row, tasks, cluster));
      return sender.report(cluster.topics().requests().name(), json);
    }
  }

  /** A request of another task would only become a dead letter, which nobody here would see. */
  private void requireDefined(String taskId, Optional<TaskTopic> tasks) {
    if (tasks.isEmpty() || defined.containsKey(taskId)) {
      return;
    }
    if (undefined.add(taskId)) {
      defined = tasks.get().read(); // it may have been defined meanwhile
    }
    if (!defined.containsKey(taskId)) {
      throw CommandFailure.failed(
          TaskTopic.undefined(defined, taskId) + ", and --any-task sends to it regardless");
    }
  }

  private ProducerRecord<String, byte[]> toRecord(
      InputRow row, Optional<TaskTopic> tasks, Connection cluster) {
    String topic = cluster.topics().requests().name();
    String requestId = row.requestId().orElseGet(() -> UUID.randomUUID().toString());
    String taskId = row.taskOr(Optional.ofNullable(task));
    try {
      TaskDefinition.checkTaskId(taskId);
      requireDefined(taskId, tasks);
    } catch (IllegalArgumentException | CommandFailure e) {
      throw new InputRow.BadRowException(row.where() + ": " + e.getMessage());
    }
    Map<String, String> all = new HashMap<>(attributes);
    all.putAll(row.attributes());
    InferenceRequest request =
        InferenceRequest.newBuilder()
            .setRequestId(requestId)
            .setTaskId(taskId)
            .setText(row.text())
            .setTextPair(row.textPair().orElse(null))
            .setAttributes(all)
            .setCreatedAt(Instant.now().truncatedTo(ChronoUnit.MILLIS))
            .build();
    String recordKey = key != null ? key : row.key().orElse(requestId);
    return new ProducerRecord<>(topic, recordKey, cluster.codec().serialize(topic, request));
  }
}
