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
    long startMillis,
    long wallMillis) {

  /**
   * @param accuracy share of the task's examples answered with the label a person gave
   */
  record TaskAccuracy(String taskId, int examples, double accuracy) {}

  /** Percentiles in milliseconds. */
  record Latency(double p50, double p95, double p99) {}

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
            "%-20s %9d %8.1f%%   against labels given by a person",
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
            "accounts    %d requests = %d predictions + %d dead letters; %s lost, %s twice",
            requests,
            predictions,
            deadLetters,
            lost == 0 ? "nothing" : lost,
            duplicated == 0 ? "nothing" : duplicated));
    lines.add(
        String.format(
            Locale.ROOT,
            "time        %.1f s to start, %.1f s in all",
            startMillis / 1000.0,
            wallMillis / 1000.0));
    return lines;
  }
}
