package io.hyperstream.app.cli;

import io.hyperstream.schemas.AdaptationReport;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.errors.AuthorizationException;

/** How many examples tasks keep, by label, as their latest reports say. One thread. */
final class KeptExamples {
  private final Map<String, AdaptationReport> latest = new HashMap<>();

  private KeptExamples() {}

  /** Reads the reports; where that is not allowed, nothing is known. */
  static KeptExamples read(Connection cluster, Console console) throws InterruptedException {
    cluster.require(cluster.topics().reports());
    KeptExamples kept = new KeptExamples();
    try (TopicReader reader =
        new TopicReader(cluster.consumer(), List.of(cluster.topics().reports().name()), true)) {
      reader.readToEnd(
          record -> AdaptationRendering.read(record, null, cluster).ifPresent(kept::enter));
    } catch (AuthorizationException e) {
      console.note("how many examples there are is not known: " + e.getMessage());
    }
    return kept;
  }

  private void enter(AdaptationReport report) {
    if (report.getKeptExamples() != null) {
      latest.merge(
          report.getTaskId(),
          report,
          (one, other) -> one.getFinishedAt().isAfter(other.getFinishedAt()) ? one : other);
    }
  }

  /** By label; labels without any are left out. Empty too if it is not known. */
  Map<String, Integer> of(String taskId) {
    AdaptationReport report = latest.get(taskId);
    return report == null ? Map.of() : report.getKeptExamples();
  }

  /** "12 examples of 2 labels are", to be continued. */
  static String count(Map<String, Integer> byLabel) {
    int examples = byLabel.values().stream().mapToInt(Integer::intValue).sum();
    return (examples == 1 ? "1 example of " : examples + " examples of ")
        + (byLabel.size() == 1 ? "1 label " : byLabel.size() + " labels ")
        + (examples == 1 ? "is" : "are");
  }
}
