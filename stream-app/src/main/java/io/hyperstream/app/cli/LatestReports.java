package io.hyperstream.app.cli;

import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.ServedState;
import io.hyperstream.schemas.TaskDefinition;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.errors.AuthorizationException;

/**
 * What reports say of tasks now: how many examples they keep, by label, and whether the running
 * application can serve them. One thread.
 */
final class LatestReports {
  private final Map<String, AdaptationReport> kept = new HashMap<>();
  private final Map<String, AdaptationReport> judged = new HashMap<>();
  private final Map<String, AdaptationReport> served = new HashMap<>();

  private LatestReports() {}

  /** Reads the reports; where that is not allowed, nothing is known. */
  static LatestReports read(Connection cluster, Console console) {
    LatestReports latest = new LatestReports();
    try (TopicReader reader =
        new TopicReader(cluster.consumer(), List.of(cluster.topics().reports().name()), true)) {
      reader.readToEnd(
          record -> AdaptationRendering.read(record, null, cluster).ifPresent(latest::enter));
    } catch (AuthorizationException e) {
      console.note("what the application reported of tasks is not known: " + e.getMessage());
    }
    return latest;
  }

  private void enter(AdaptationReport report) {
    if (report.getKeptExamples() != null) {
      enter(report, kept);
    }
    if (report.getServed() != null) {
      enter(report, served);
    }
    if (List.of("definition", "model").contains(report.getTrigger())
        && (report.getOutcome() == AdaptationOutcome.REFUSED
            || report.getOutcome() == AdaptationOutcome.REDEFINED)) {
      enter(report, judged);
    }
  }

  private static void enter(AdaptationReport report, Map<String, AdaptationReport> latest) {
    latest.merge(
        report.getTaskId(),
        report,
        (one, other) -> one.getFinishedAt().isAfter(other.getFinishedAt()) ? one : other);
  }

  /** Why a task cannot be served: its definition says so, or the application did. */
  Optional<String> problem(TaskDefinition task) {
    try {
      Definitions.toModel(task);
    } catch (IllegalArgumentException e) {
      return Optional.of(e.getMessage());
    }
    return Optional.ofNullable(judged.get(task.getTaskId()))
        .filter(report -> report.getOutcome() == AdaptationOutcome.REFUSED)
        .map(report -> report.getReason().replaceFirst(TaskDefinitions.NOT_SERVED, ""));
  }

  /** A task's definition, and whether it can be served. */
  Map<String, Object> toMap(TaskDefinition task) {
    Map<String, Object> map = Rendering.toMap(task);
    Optional<String> problem = problem(task);
    map.put("valid", problem.isEmpty());
    map.put("problem", problem.orElse(null));
    AdaptationRendering.addServed(map, served(task.getTaskId()).orElse(null));
    return map;
  }

  /** What serves a task, and how often it was right; empty if it is not known. */
  Optional<ServedState> served(String taskId) {
    return Optional.ofNullable(served.get(taskId)).map(AdaptationReport::getServed);
  }

  /** By label; labels without any are left out. Empty too if it is not known. */
  Map<String, Integer> of(String taskId) {
    AdaptationReport report = kept.get(taskId);
    return report == null ? Map.of() : report.getKeptExamples();
  }
}
