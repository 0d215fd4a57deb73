package io.hyperstream.app.cli;

import io.hyperstream.model.task.Accuracy;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterVersion;
import io.hyperstream.schemas.ServedState;
import io.hyperstream.schemas.UndecodableRecordException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Versions and reports as text and as JSON. */
final class AdaptationRendering {
  private AdaptationRendering() {}

  /**
   * The report in a record.
   *
   * @param task empty for reports of other tasks; null: of any
   */
  static Optional<AdaptationReport> read(
      ConsumerRecord<byte[], byte[]> record, String task, Connection cluster) {
    try {
      return Optional.of(
              cluster.codec().deserialize(record.topic(), record.value(), AdaptationReport.class))
          .filter(report -> task == null || task.equals(report.getTaskId()));
    } catch (UndecodableRecordException e) {
      return Optional.empty(); // nothing of ours
    }
  }

  /** A header and a line per version. */
  static List<String> table(List<VersionsTopic.Entry> versions) {
    List<String> lines = new ArrayList<>();
    String format = "%1s %7s  %-10s %9s %8s  %-20s %-44s %s";
    lines.add(
        String.format(
                Locale.ROOT,
                format,
                "",
                "version",
                "form",
                "bytes",
                "examples",
                "created",
                "metrics at promotion",
                "reason")
            .stripTrailing());
    long models = versions.stream().map(entry -> entry.version().getModelId()).distinct().count();
    String model = "";
    for (VersionsTopic.Entry entry : versions) {
      AdapterVersion version = entry.version();
      if (models > 1 && !version.getModelId().equals(model)) {
        model = version.getModelId();
        lines.add("model " + model);
      }
      lines.add(
          String.format(
                  Locale.ROOT,
                  format,
                  entry.served() ? "*" : "",
                  version.getVersion(),
                  version.getForm(),
                  entry.bytes(),
                  version.getExamples(),
                  version.getCreatedAt().truncatedTo(java.time.temporal.ChronoUnit.SECONDS),
                  metrics(version.getMetrics()),
                  Rendering.oneLine(version.getReason()))
              .stripTrailing());
    }
    return lines;
  }

  /** The outcome of an attempt, in a line. */
  static String brief(AdaptationReport report) {
    StringBuilder line = new StringBuilder();
    line.append(
        report.getPublishedVersion() == null
            ? outcome(report) + ", version " + report.getChampionVersion() + " stays"
            : "version " + report.getPublishedVersion() + " (" + report.getForm() + ")");
    if (report.getBefore().containsKey("accuracy") && report.getAfter().containsKey("accuracy")) {
      line.append(
          String.format(
              Locale.ROOT,
              ", accuracy on unseen examples %.2f -> %.2f",
              report.getBefore().get("accuracy"),
              report.getAfter().get("accuracy")));
    }
    if (report.getPublishedVersion() == null && report.getProbabilityBetter() != null) {
      line.append(
          String.format(
              Locale.ROOT, ", better with probability %.2f", report.getProbabilityBetter()));
    }
    if (report.getServed() != null && report.getServed().getTested() > 0) {
      line.append(", ").append(accuracy(report.getServed()));
    }
    return line.toString();
  }

  private static String outcome(AdaptationReport report) {
    return report.getOutcome().name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  /** What happened, then the reason and the measurements, indented. */
  static List<String> lines(AdaptationReport report) {
    List<String> lines = new ArrayList<>();
    String version =
        report.getPublishedVersion() == null
            ? "version " + report.getChampionVersion() + " stays"
            : "version " + report.getPublishedVersion() + " after " + report.getChampionVersion();
    lines.add(
        String.format(
            Locale.ROOT,
            "%s  %s  %s, %s",
            report.getFinishedAt().truncatedTo(java.time.temporal.ChronoUnit.SECONDS),
            report.getTaskId(),
            outcome(report),
            version));
    lines.add("    " + Rendering.oneLine(report.getReason()));
    List<String> figures = new ArrayList<>();
    if (!report.getAfter().isEmpty()) {
      figures.add(compared(report));
    } else if (!report.getBefore().isEmpty()) {
      figures.add(metrics(report.getBefore()));
    }
    if (report.getProbabilityBetter() != null) {
      figures.add(
          String.format(
              Locale.ROOT, "better with probability %.3f", report.getProbabilityBetter()));
    }
    if (report.getExamples() > 0) {
      figures.add(report.getExamples() + " examples, " + report.getHeldOut() + " held out");
    }
    if (report.getServed() != null) {
      figures.add(served(report.getServed()));
    }
    if (!figures.isEmpty()) {
      lines.add("    " + String.join("; ", figures));
    }
    return lines;
  }

  private static Accuracy accuracy(ServedState served) {
    return new Accuracy(served.getCorrect(), served.getTested());
  }

  /** What serves, how often it was right since then, and whether it is pinned. */
  static String served(ServedState served) {
    return "version "
        + served.getVersion()
        + " since it serves: "
        + accuracy(served)
        + (served.getPinnedBy() == null
            ? ""
            : ", pinned by " + Rendering.oneLine(served.getPinnedBy()));
  }

  /** The same in a few characters; empty before the first label. */
  static String brief(ServedState served) {
    Accuracy accuracy = accuracy(served);
    return (accuracy.of() == 0
            ? ""
            : String.format(
                Locale.ROOT,
                "%.0f%% (%.0f-%.0f%%) of %d",
                100 * accuracy.share(),
                100 * accuracy.low(),
                100 * accuracy.high(),
                accuracy.of()))
        + (served.getPinnedBy() == null ? "" : " pinned");
  }

  /**
   * @param served null: not known
   */
  static void addServed(Map<String, Object> map, ServedState served) {
    Map<String, Object> accuracy = new LinkedHashMap<>();
    if (served != null) {
      boolean none = served.getTested() == 0;
      accuracy.put("version", served.getVersion());
      accuracy.put("right", served.getCorrect());
      accuracy.put("of", served.getTested());
      accuracy.put("share", none ? null : accuracy(served).share());
      accuracy.put("low", none ? null : accuracy(served).low());
      accuracy.put("high", none ? null : accuracy(served).high());
    }
    map.put("accuracy", served == null ? null : accuracy);
    map.put("pinnedBy", served == null ? null : served.getPinnedBy());
  }

  private static String compared(AdaptationReport report) {
    return new TreeMap<>(report.getAfter())
        .entrySet().stream()
            .map(
                after ->
                    String.format(
                        Locale.ROOT,
                        "%s %s -> %.3f",
                        after.getKey(),
                        report.getBefore().containsKey(after.getKey())
                            ? String.format(
                                Locale.ROOT, "%.3f", report.getBefore().get(after.getKey()))
                            : "?",
                        after.getValue()))
            .collect(Collectors.joining(", "));
  }

  private static String metrics(Map<String, Double> metrics) {
    return new TreeMap<>(metrics)
        .entrySet().stream()
            .map(entry -> String.format(Locale.ROOT, "%s %.3f", entry.getKey(), entry.getValue()))
            .collect(Collectors.joining(", "));
  }

  static Map<String, Object> toMap(VersionsTopic.Entry entry) {
    AdapterVersion version = entry.version();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("taskId", version.getTaskId());
    map.put("version", version.getVersion());
    map.put("served", entry.served());
    map.put("parent", version.getParent());
    map.put("modelId", version.getModelId());
    map.put("form", version.getForm().name());
    map.put("bytes", entry.bytes());
    map.put("weightsUri", version.getWeightsUri());
    map.put("examples", version.getExamples());
    map.put("metrics", new TreeMap<>(version.getMetrics()));
    map.put("createdAt", version.getCreatedAt().toString());
    map.put("reason", version.getReason());
    return map;
  }

  static Map<String, Object> toMap(AdaptationReport report) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("reportId", report.getReportId());
    map.put("taskId", report.getTaskId());
    map.put("modelId", report.getModelId());
    map.put("outcome", report.getOutcome().name());
    map.put("trigger", report.getTrigger());
    map.put("commandId", report.getCommandId());
    map.put("championVersion", report.getChampionVersion());
    map.put("publishedVersion", report.getPublishedVersion());
    map.put("form", report.getForm() == null ? null : report.getForm().name());
    map.put("before", new TreeMap<>(report.getBefore()));
    map.put("after", new TreeMap<>(report.getAfter()));
    map.put("probabilityBetter", report.getProbabilityBetter());
    map.put("examples", report.getExamples());
    map.put("heldOut", report.getHeldOut());
    map.put("prequentialAccuracy", report.getPrequentialAccuracy());
    map.put("prequentialExamples", report.getPrequentialExamples());
    map.put("keptExamples", report.getKeptExamples());
    addServed(map, report.getServed());
    map.put("reason", report.getReason());
    map.put("startedAt", report.getStartedAt().toString());
    map.put("finishedAt", report.getFinishedAt().toString());
    return map;
  }
}
