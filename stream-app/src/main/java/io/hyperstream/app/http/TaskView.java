package io.hyperstream.app.http;

import io.hyperstream.schemas.AdaptationMethod;
import io.hyperstream.schemas.AdapterForm;
import io.hyperstream.schemas.LabelScoring;
import io.hyperstream.schemas.OverLengthPolicy;
import io.hyperstream.schemas.TaskKind;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * A task as it is defined and served now.
 *
 * @param abstainBelow a score; below it a prediction has no label
 * @param valid whether it can be served
 * @param problem why it cannot
 * @param servedVersion null: the initial adapter, version 0
 * @param accuracy of the version that serves, as of the latest report; null: not known yet
 * @param pinnedBy who pinned what serves, so that only a command replaces it; null: nobody
 * @param prequentialAccuracy share of labelled examples answered right before their label counted,
 *     by whichever version served then
 * @param prequentialExamples how many that counts
 * @param examples of the latest attempt to adapt
 */
@Serdeable
@Schema(name = "Task")
public record TaskView(
    String taskId,
    TaskKind kind,
    List<LabelView> labels,
    String template,
    String templatePair,
    String description,
    OverLengthPolicy overLength,
    LabelScoring scoring,
    @Nullable PolicyView adaptation,
    List<String> initFrom,
    double abstainBelow,
    boolean valid,
    @Nullable String problem,
    @Nullable ServedVersion servedVersion,
    @Nullable AccuracyView accuracy,
    @Nullable String pinnedBy,
    @Nullable Double prequentialAccuracy,
    @Nullable Long prequentialExamples,
    @Nullable ExampleCounts examples) {

  /**
   * A class.
   *
   * @param verbalizer what the decoder scores for it; null: the name
   * @param description what it means; null: the name says it
   */
  @Serdeable
  @Schema(name = "Label")
  public record LabelView(String name, @Nullable String verbalizer, @Nullable String description) {}

  /** When and how far a task adapts itself. */
  @Serdeable
  @Schema(name = "AdaptationPolicy")
  public record PolicyView(
      boolean enabled,
      int triggerExamples,
      int maxExamplesPerLabel,
      double heldOutFraction,
      double promotionProbability,
      boolean tuneWeights,
      long minIntervalSeconds,
      AdaptationMethod method) {}

  /** The version that serves. */
  @Serdeable
  public record ServedVersion(
      long version,
      AdapterForm form,
      Instant createdAt,
      int examples,
      Map<String, Double> metrics,
      String reason) {}

  /**
   * Examples of an attempt.
   *
   * @param labels how many the task kept when it ended, by label in the definition's order; null:
   *     not known, or no labels
   * @param setAside how many it kept of labels that the definition does not have: nothing learns
   *     from them until a definition has their label again; null: not known
   */
  @Serdeable
  public record ExampleCounts(
      int trained,
      int heldOut,
      @Nullable Map<String, Integer> labels,
      @Nullable Map<String, Integer> setAside) {}

  /**
   * Some tasks.
   *
   * @param next what to give as {@code after} for those that follow; null: there are none
   */
  @Serdeable
  public record Page(List<TaskView> items, @Nullable String next) {}
}
