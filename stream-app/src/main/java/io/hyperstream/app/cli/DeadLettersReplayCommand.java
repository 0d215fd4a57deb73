package io.hyperstream.app.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "replay",
    mixinStandardHelpOptions = true,
    description = {
      "Send dead letters once more to the topic and partition they were read from: their untouched"
          + " bytes with key and headers, at the time of now.",
      "A letter is replayed once: each replayed record says which letter it was, so that a second"
          + " call, also after a crash, finds it and sends only the rest. What is refused again"
          + " becomes a new letter that counts its replays."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  The task has been defined meanwhile; look first, then do it:",
      "    hyperstream dead-letters replay --code UNKNOWN_TASK --task ticket-intent --dry-run",
      "    hyperstream dead-letters replay --code UNKNOWN_TASK --task ticket-intent",
      "  Two of them:",
      "    hyperstream dead-letters replay --letter 0@17,2@4",
      "  All of the last day, beside the load there is:",
      "    hyperstream dead-letters replay --since 1d --max-per-second 50"
    })
final class DeadLettersReplayCommand implements Callable<Integer> {
  private static final int SHOWN_REFUSALS = 20;

  private final Console console;

  @Mixin private ConnectionOptions connection;
  @Mixin private DeadLetterSelection selection;

  @Option(names = "--all", description = "All letters, instead of a selection.")
  private boolean all;

  @Option(names = "--dry-run", description = "Only say what would be sent.")
  private boolean dryRun;

  @Option(
      names = "--max-replays",
      paramLabel = "N",
      defaultValue = "3",
      description =
          "Refuse records that were replayed this often: sending them again will not help. Default:"
              + " ${DEFAULT-VALUE}.")
  private int maxReplays;

  @Option(
      names = "--again",
      description = "Also letters that were replayed already, or are too old to know.")
  private boolean again;

  @Option(
      names = "--max-per-second",
      paramLabel = "N",
      description =
          "At most this many a second, so that current requests do not wait. Default:"
              + " as fast as possible.")
  private Integer maxPerSecond;

  @Option(names = "--json", description = "A JSON object with the counts.")
  private boolean json;

  DeadLettersReplayCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws Exception {
    if (all == !selection.isEverything()) {
      throw CommandFailure.usage(
          "say which: --code, --task, --since, --letter, or all of them with --all");
    }
    CommandFailure.requirePositive("--max-replays", maxReplays);
    if (maxPerSecond != null) {
      CommandFailure.requirePositive("--max-per-second", maxPerSecond);
    }
    try (Connection cluster = connection.connect()) {
      DeadLetterReplay replay =
          new DeadLetterReplay(
              cluster, selection, maxReplays, again, maxPerSecond == null ? 0 : maxPerSecond);
      DeadLetterReplay.Plan plan = dryRun ? replay.plan() : replay.run();
      if (plan.isEmpty() && selection.task() != null) {
        TaskTopic.require(selection.task(), cluster, console);
      }
      report(plan, cluster.topics().deadLetters().name());
      return plan.refused().isEmpty() ? ExitCodes.OK : ExitCodes.FAILURE;
    }
  }

  private void report(DeadLetterReplay.Plan plan, String topic) {
    List<String> refused = plan.refused();
    refused.stream().limit(SHOWN_REFUSALS).forEach(console::note);
    if (refused.size() > SHOWN_REFUSALS) {
      console.note("and " + (refused.size() - SHOWN_REFUSALS) + " more like these");
    }
    if (json) {
      Map<String, Object> summary = new LinkedHashMap<>();
      summary.put(dryRun ? "wouldReplay" : "replayed", plan.ready().size());
      summary.put("replayedBefore", plan.replayedBefore());
      summary.put("refused", refused.size());
      console.printJson(summary);
      return;
    }
    String line =
        (dryRun ? "would replay " : "replayed ") + plan.ready().size() + " of those in " + topic;
    if (plan.replayedBefore() > 0) {
      line += "; " + plan.replayedBefore() + " had been replayed before";
    }
    if (!refused.isEmpty()) {
      line += "; " + refused.size() + " refused";
    }
    console.note(line);
  }
}
