package io.hyperstream.app.cli;

import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.InferenceRequest;
import io.hyperstream.schemas.UndecodableRecordException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Examples a task is not to learn from any more. */
@Command(
    name = "forget",
    mixinStandardHelpOptions = true,
    description = {
      "Erase a labelled example, or all of a task, from what the task learns from.",
      "Later versions are made without it. Versions made with it stay until the task adapts again"
          + " (`hyperstream adapt`) or returns to its start (`hyperstream adapt --reset`), and the"
          + " topics keep the original records as long as they are set to."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "    hyperstream forget --task support-routing --text 'my parcel is late' --wait",
      "    hyperstream forget --task support-routing --request-id 4711",
      "    hyperstream forget --task support-routing --all"
    })
final class ForgetCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private AdaptationOrder order;

  @ArgGroup(multiplicity = "1")
  private What what;

  /** What is to be forgotten. */
  private static final class What {
    @Option(names = "--text", required = true, description = "The example's text.")
    private String text;

    @Option(
        names = "--request-id",
        required = true,
        paramLabel = "ID",
        description = "The request whose text it is, looked up among the requests still kept.")
    private String requestId;

    @Option(names = "--all", required = true, description = "Every example of the task.")
    private boolean all;
  }

  @Option(names = "--text-pair", description = "With --text: the second text of a pair.")
  private String textPair;

  ForgetCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (textPair != null && what.text == null) {
      throw CommandFailure.usage("--text-pair goes with --text");
    }
    try (Connection cluster = order.connection.connect()) {
      order.requireTask(cluster, console);
      AdaptationCommand.Builder command = order.order(AdaptationAction.FORGET);
      if (what.requestId != null) {
        InferenceRequest request = find(what.requestId, cluster);
        command.setText(request.getText()).setTextPair(request.getTextPair());
      } else if (!what.all) {
        command.setText(what.text).setTextPair(textPair);
      }
      return order.send(command.build(), cluster, console);
    }
  }

  /**
   * The text is what examples are known by, however they were labelled; so the request is looked up
   * here, and one that is no longer kept is an error instead of a command that finds nothing.
   */
  private InferenceRequest find(String requestId, Connection cluster) throws InterruptedException {
    String topic = cluster.topics().requests().name();
    cluster.require(cluster.topics().requests());
    try (TopicReader reader = new TopicReader(cluster.consumer(), List.of(topic), true);
        ProgressBar progress =
            new ProgressBar(console, "looking for the request", ProgressBar.Unit.ROWS, -1)) {
      while (!reader.reachedEnd()) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(200))) {
          progress.advance(1);
          Optional<InferenceRequest> request = decode(record, cluster);
          if (request.isPresent() && request.get().getRequestId().equals(requestId)) {
            return checked(request.get());
          }
        }
      }
    }
    throw CommandFailure.failed(
        "no request '" + requestId + "' is kept in " + topic + " any more; give its --text");
  }

  private InferenceRequest checked(InferenceRequest request) {
    if (!request.getTaskId().equals(order.task)) {
      throw CommandFailure.failed(
          "the request '"
              + request.getRequestId()
              + "' is of the task '"
              + request.getTaskId()
              + "', not of '"
              + order.task
              + "'");
    }
    return request;
  }

  private static Optional<InferenceRequest> decode(
      ConsumerRecord<byte[], byte[]> record, Connection cluster) {
    try {
      return Optional.of(
          cluster.codec().deserialize(record.topic(), record.value(), InferenceRequest.class));
    } catch (UndecodableRecordException e) {
      return Optional.empty(); // is in the dead letters
    }
  }
}
