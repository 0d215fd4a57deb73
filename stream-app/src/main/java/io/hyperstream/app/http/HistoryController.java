package io.hyperstream.app.http;

import static io.hyperstream.app.http.access.Role.ADMIN_NAME;
import static io.hyperstream.app.http.access.Role.PREDICT_NAME;
import static io.hyperstream.app.http.access.Role.READ_NAME;
import static io.hyperstream.app.http.access.Role.TEACH_NAME;

import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.app.http.topics.RefusedRecord;
import io.hyperstream.app.http.topics.TopicView;
import io.hyperstream.app.http.topics.VersionTable.Published;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.schemas.AdapterForm;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.PathVariable;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.scheduling.annotation.ExecuteOn;
import io.micronaut.security.annotation.Secured;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What was published, outcomes of attempts, what was refused; the newest first. */
@Controller("/api")
@ExecuteOn(HttpThreads.NAME)
@Secured({READ_NAME, PREDICT_NAME, TEACH_NAME, ADMIN_NAME})
@Tag(name = "history")
class HistoryController {
  private final Tasks tasks;

  HistoryController(Tasks tasks) {
    this.tasks = tasks;
  }

  @Serdeable
  record Versions(List<VersionItem> items) {}

  /**
   * A published version.
   *
   * @param bytes of its record
   * @param served whether its model serves it now
   */
  @Serdeable
  @Schema(name = "Version")
  record VersionItem(
      long version,
      @Nullable Long parent,
      AdapterForm form,
      String modelId,
      int examples,
      Map<String, Double> metrics,
      Instant createdAt,
      String reason,
      int bytes,
      boolean served) {}

  @Serdeable
  record Reports(List<ReportView> items) {}

  @Serdeable
  record DeadLetters(List<DeadLetterItem> items) {}

  /** A refused record; taskId and text where they can be read. */
  @Serdeable
  @Schema(name = "DeadLetter")
  record DeadLetterItem(
      String code,
      String message,
      String topic,
      int partition,
      long offset,
      Instant timestamp,
      @Nullable String sourceTopic,
      @Nullable Integer sourcePartition,
      @Nullable Long sourceOffset,
      @Nullable String taskId,
      @Nullable String text) {

    static DeadLetterItem of(RefusedRecord letter) {
      boolean known = letter.sourceOffset() >= 0;
      return new DeadLetterItem(
          letter.code(),
          letter.message(),
          letter.topic(),
          letter.partition(),
          letter.offset(),
          letter.timestamp(),
          known ? letter.sourceTopic() : null,
          known ? letter.sourcePartition() : null,
          known ? letter.sourceOffset() : null,
          letter.taskId().orElse(null),
          letter.text().orElse(null));
    }
  }

  /** A task's versions; the last 20 are kept. */
  @Get("/tasks/{taskId}/versions")
  Versions versions(@PathVariable String taskId) {
    tasks.require(taskId);
    TopicView view = tasks.view();
    return new Versions(
        view.versions().of(taskId).stream()
            .map(
                version ->
                    item(version, view.versions().served(version.modelId(), version.taskId())))
            .toList());
  }

  private static VersionItem item(Published version, Optional<Published> served) {
    return new VersionItem(
        version.version(),
        version.parent().orElse(null),
        version.form(),
        version.modelId(),
        version.examples(),
        version.metrics(),
        version.createdAt(),
        version.reason(),
        version.bytes(),
        served.map(now -> now.version() == version.version()).orElse(false));
  }

  /** Attempts to change what a task serves, among the latest that are kept here of all tasks. */
  @Get("/tasks/{taskId}/reports")
  Reports reports(
      @PathVariable String taskId, @QueryValue(defaultValue = "100") @Min(1) @Max(1000) int limit) {
    tasks.require(taskId);
    return new Reports(
        tasks.view().reports().newest(limit, report -> report.getTaskId().equals(taskId)).stream()
            .map(ReportView::of)
            .toList());
  }

  /** Attempts to change what any task serves. */
  @Get("/reports")
  Reports allReports(@QueryValue(defaultValue = "100") @Min(1) @Max(1000) int limit) {
    return new Reports(
        tasks.view().reports().newest(limit, report -> true).stream().map(ReportView::of).toList());
  }

  /** The latest dead letters. */
  @Get("/dead-letters")
  DeadLetters deadLetters(
      @QueryValue(defaultValue = "100") @Min(1) @Max(1000) int limit,
      @Nullable @QueryValue String code,
      @Nullable @QueryValue String task) {
    String wanted = code == null ? null : codeOf(code);
    return new DeadLetters(
        tasks
            .view()
            .deadLetters()
            .newest(
                limit,
                letter ->
                    (wanted == null || wanted.equals(letter.code()))
                        && (task == null || Optional.of(task).equals(letter.taskId())))
            .stream()
            .map(DeadLetterItem::of)
            .toList());
  }

  private static String codeOf(String name) {
    try {
      return ErrorCode.named(name).name();
    } catch (IllegalArgumentException e) {
      throw ProblemException.field("code", e.getMessage());
    }
  }
}
