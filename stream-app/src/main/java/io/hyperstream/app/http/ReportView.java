package io.hyperstream.app.http;

import io.hyperstream.schemas.AdaptationOutcome;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.AdapterForm;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.Map;

/**
 * One attempt to change what a task serves; the fields of the record of that name.
 *
 * @param prequentialAccuracy share of labels answered right before they counted, by whichever
 *     version served then
 * @param accuracy of the version that serves after it
 * @param pinnedBy who pinned that; null: nobody
 */
@Serdeable
@Schema(name = "Report")
public record ReportView(
    String reportId,
    String taskId,
    String modelId,
    AdaptationOutcome outcome,
    String trigger,
    @Nullable String commandId,
    long championVersion,
    @Nullable Long publishedVersion,
    @Nullable AdapterForm form,
    Map<String, Double> before,
    Map<String, Double> after,
    @Nullable Double probabilityBetter,
    int examples,
    int heldOut,
    @Nullable Double prequentialAccuracy,
    long prequentialExamples,
    @Nullable Map<String, Integer> keptExamples,
    @Nullable AccuracyView accuracy,
    @Nullable String pinnedBy,
    String reason,
    Instant startedAt,
    Instant finishedAt) {

  public static ReportView of(AdaptationReport report) {
    return new ReportView(
        report.getReportId(),
        report.getTaskId(),
        report.getModelId(),
        report.getOutcome(),
        report.getTrigger(),
        report.getCommandId(),
        report.getChampionVersion(),
        report.getPublishedVersion(),
        report.getForm(),
        report.getBefore(),
        report.getAfter(),
        report.getProbabilityBetter(),
        report.getExamples(),
        report.getHeldOut(),
        report.getPrequentialAccuracy(),
        report.getPrequentialExamples(),
        report.getKeptExamples(),
        AccuracyView.of(report),
        AccuracyView.pinnedBy(report),
        report.getReason(),
        report.getStartedAt(),
        report.getFinishedAt());
  }
}
