package io.hyperstream.app.cli;

import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.AdaptationCommand;
import io.hyperstream.schemas.AdaptationReport;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * An order to a task's adaptation: the options of every command that gives one, its sending, and
 * waiting for the report on it.
 */
final class AdaptationOrder {
  @Mixin ConnectionOptions connection;

  @Option(
      names = {"-t", "--task"},
      required = true,
      paramLabel = "TASK",
      description = "The task.")
  String task;

  @Option(
      names = "--reason",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "The reason; the report repeats it.")
  private String reason;

  @Option(
      names = {"-w", "--wait"},
      description = "Wait for the report and print it.")
  private boolean wait;

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      defaultValue = "5m",
      converter = DurationConverter.class,
      description = "With --wait: how long, as in 90s or 5m. Default: ${DEFAULT-VALUE}.")
  private Duration timeout;

  @Option(
      names = "--json",
      description = "With --wait the report as JSON, otherwise {\"commandId\": \"..\"}.")
  private boolean json;

  /** A new order to this task, to be completed. */
  AdaptationCommand.Builder order(AdaptationAction action) {
    return AdaptationCommand.newBuilder()
        .setCommandId(UUID.randomUUID().toString())
        .setTaskId(task)
        .setAction(action)
        .setReason(reason)
        .setIssuedBy(System.getProperty("user.name", ""))
        .setCreatedAt(Instant.now().truncatedTo(ChronoUnit.MILLIS));
  }

  /** Fails unless the task is defined. */
  void requireTask(Connection cluster, Console console) throws InterruptedException {
    TaskTopic.require(task, cluster, console);
  }

  /**
   * Sends the order and, if asked to, waits for its report.
   *
   * @return the command's exit status
   */
  int send(AdaptationCommand order, Connection cluster, Console console)
      throws InterruptedException {
    String commands = cluster.topics().commands().name();
    cluster.require(cluster.topics().commands(), cluster.topics().reports());
    // Reads from now on: the report cannot be there before the order is.
    try (TopicReader reports =
        new TopicReader(cluster.consumer(), List.of(cluster.topics().reports().name()), false)) {
      byte[] value = cluster.codec().serialize(commands, order);
      cluster.deliver("command", List.of(new ProducerRecord<>(commands, task, value)));
      if (!wait) {
        if (json) {
          console.printJson(Map.of("commandId", order.getCommandId()));
        } else {
          console.note(
              "asked; `hyperstream report --task "
                  + task
                  + "` shows the outcome, --wait waits for it");
        }
        return ExitCodes.OK;
      }
      AdaptationReport report = await(order.getCommandId(), reports, cluster);
      if (json) {
        console.printJson(AdaptationRendering.toMap(report));
      } else {
        AdaptationRendering.lines(report).forEach(console::print);
      }
      return exitCode(report);
    }
  }

  private AdaptationReport await(String commandId, TopicReader reports, Connection cluster) {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (System.nanoTime() < deadline) {
      for (ConsumerRecord<byte[], byte[]> record : reports.poll(Duration.ofMillis(200))) {
        Optional<AdaptationReport> report = AdaptationRendering.read(record, task, cluster);
        if (report.isPresent() && commandId.equals(report.get().getCommandId())) {
          return report.get();
        }
      }
    }
    throw CommandFailure.failed(
        "no report within "
            + timeout.toSeconds()
            + " s. The command stays in the topic and will be executed: check that an"
            + " application with the role `adaptation` is running, and see `hyperstream report"
            + " --task "
            + task
            + " --follow`, or give more --timeout");
  }

  private static int exitCode(AdaptationReport report) {
    return switch (report.getOutcome()) {
      case PROMOTED,
          ROLLED_BACK,
          RESET,
          FROZEN,
          UNFROZEN,
          PINNED,
          UNPINNED,
          EVALUATED,
          FORGOTTEN,
          REDEFINED,
          DRIFTED ->
          ExitCodes.OK;
      case NOT_PROMOTED -> ExitCodes.NOT_PROMOTED;
      case REFUSED, FAILED, CANCELLED, UNKNOWN -> ExitCodes.FAILURE;
    };
  }

  /** 500ms, 90s, 5m, 1h. */
  static final class DurationConverter implements CommandLine.ITypeConverter<Duration> {
    @Override
    public Duration convert(String value) {
      java.util.regex.Matcher matcher =
          java.util.regex.Pattern.compile("(\\d{1,6})(ms|s|m|h)").matcher(value);
      if (!matcher.matches()) {
        throw new CommandLine.TypeConversionException(
            "expected a time such as 500ms, 90s, 5m or 1h, got '" + value + "'");
      }
      long amount = Long.parseLong(matcher.group(1));
      return switch (matcher.group(2)) {
        case "ms" -> Duration.ofMillis(amount);
        case "s" -> Duration.ofSeconds(amount);
        case "m" -> Duration.ofMinutes(amount);
        default -> Duration.ofHours(amount);
      };
    }
  }
}
