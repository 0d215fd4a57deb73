package io.hyperstream.app.cli;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How the demo went; its JSON has exactly these keys.
 *
 * @param requests sent and acknowledged
 * @param predictions requests answered with a prediction
 * @param deadLetters requests answered with a dead letter
 * @param lost requests without an answer
 * @param duplicated answers beyond the first
 * @param throughputPerSecond of the burst, from its first request to its last answer
 * @param latencyMillis from the moment a request was due at a steady rate to its committed answer
 * @param adaptation the second part
 * @param peakMegabytes most memory this process had, Kafka included and the registry's process not;
 *     null where the system does not tell
 * @param startMillis from the start of the command until the application was ready
 * @param wallMillis from the start of the command to its summary
 */
record DemoSummary(
    int requests,
    int predictions,
    int deadLetters,
    int lost,
    long duplicated,
    List<TaskAccuracy> tasks,
    double throughputPerSecond,
    Latency latencyMillis,
    Adaptation adaptation,
    Long peakMegabytes,
    long startMillis,
    long wallMillis) {

  /**
   * @param accuracy share of the task's examples answered with the label a person gave
   */
  record TaskAccuracy(String taskId, int examples, double accuracy) {}

  /** Percentiles in milliseconds. */
  record Latency(double p50, double p95, double p99) {}

  /**
   * The task that was taught.
   *
   * @param examples labelled events sent
   * @param firstPromotion labelled events sent when the first version was promoted; null if none
   *     was
   * @param before share of its test sentences right before the first of them
   * @param after share of the same sentences right by the last version
   * @param secondsToServe from the label that led to the last version to its first prediction; null
   *     if none was promoted
   * @param updateBytes of the last version's record; null if none was promoted
   * @param versions promoted
   */
  record Adaptation(
      String taskId,
      int examples,
      Integer firstPromotion,
      double before,
      double after,
      Double secondsToServe,
      Integer updateBytes,
      int versions) {}

  /** Whether every request was answered exactly once. */
  @JsonIgnore
  boolean exactlyOnce() {
    return lost == 0 && duplicated == 0 && requests == predictions + deadLetters;
  }

  /** The summary for people. */
  List<String> lines(double pacedRate) {
    List<String> lines = new ArrayList<>();
    lines.add(String.format(Locale.ROOT, "%-20s %9s %9s", "task", "examples", "accuracy"));
    int examples = 0;
    double correct = 0;
    for (TaskAccuracy task : tasks) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-20s %9d %8.1f%%",
              task.taskId(),
              task.examples(),
              task.accuracy() * 100));
      examples += task.examples();
      correct += task.accuracy() * task.examples();
    }
    lines.add(
        String.format(
            Locale.ROOT,
            "%-20s %9d %8.1f%%   before any labelled example",
            "all",
            examples,
            examples == 0 ? 0 : correct / examples * 100));
    lines.add("");
    lines.add(
        String.format(
            Locale.ROOT, "throughput  %.0f requests/s, all sent at once", throughputPerSecond));
    lines.add(
        String.format(
            Locale.ROOT,
            "latency     p50 %.0f ms, p95 %.0f ms, p99 %.0f ms at a steady %.0f requests/s, from"
                + " produce to committed prediction",
            latencyMillis.p50(),
            latencyMillis.p95(),
            latencyMillis.p99(),
            pacedRate));
    lines.add(
        String.format(
            Locale.ROOT,
            "taught      %s: %.1f%% right before any label, %.1f%% after %d%s",
            adaptation.taskId(),
            adaptation.before() * 100,
            adaptation.after() * 100,
            adaptation.examples(),
            adaptation.firstPromotion() == null
                ? ""
                : "; first version after " + adaptation.firstPromotion()));
    if (adaptation.versions() > 0) {
      lines.add(
          String.format(
              Locale.ROOT,
              "update      version %d answered %.1f s after its last label; it is a record of %,d"
                  + " bytes, no other task changed",
              adaptation.versions(),
              adaptation.secondsToServe(),
              adaptation.updateBytes()));
    }
    lines.add(
        String.format(
            Locale.ROOT,
            "answers     requests = predictions + dead letters: %d = %d + %d; %s lost, %s answered"
                + " twice",
            requests,
            predictions,
            deadLetters,
            lost == 0 ? "nothing" : lost,
            duplicated == 0 ? "nothing" : duplicated));
    lines.add(
        String.format(
            Locale.ROOT,
            "time        %.1f s to start, %.1f s in all%s",
            startMillis / 1000.0,
            wallMillis / 1000.0,
            peakMegabytes == null
                ? ""
                : String.format(
                    Locale.ROOT,
                    "; %,d MB of memory at most, Kafka and application together",
                    peakMegabytes)));
    return lines;
  }
}
