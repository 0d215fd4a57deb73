package io.hyperstream.app.http;

import io.hyperstream.app.http.problem.Expectation;
import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.app.streams.TaskDefinitions;
import io.hyperstream.model.task.Template;
import io.hyperstream.schemas.AdaptationMethod;
import io.hyperstream.schemas.AdaptationPolicy;
import io.hyperstream.schemas.LabelScoring;
import io.hyperstream.schemas.OverLengthPolicy;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.serde.annotation.Serdeable;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.util.List;
import java.util.Optional;

/**
 * A definition as it is sent; what is left out has its default.
 *
 * @param taskId with PUT and PATCH it may be left out
 * @param kind CLASSIFICATION if left out
 * @param labels 2 to 1024 for CLASSIFICATION, none otherwise
 * @param overLength TRUNCATE if left out
 * @param initFrom tasks the model knows whose embeddings serve until a version is published
 * @param abstainBelow 0 if left out: every text gets a label
 */
@Serdeable
@Schema(name = "TaskDefinition")
public record TaskInput(
    @Nullable @Pattern(regexp = ID, message = ID_IN_WORDS) String taskId,
    @Nullable TaskKind kind,
    @Nullable @Size(max = io.hyperstream.model.task.TaskDefinition.MAX_LABELS)
        List<@Valid @NotNull Label> labels,
    @Nullable @Size(max = Template.MAX_LENGTH) String template,
    @Nullable @Size(max = Template.MAX_LENGTH) String templatePair,
    @Nullable @Size(max = 4096) String description,
    @Nullable @Schema(description = OVER_LENGTH) OverLengthPolicy overLength,
    @Nullable LabelScoring scoring,
    @Nullable @Valid Policy adaptation,
    @Nullable @Size(max = 256)
        List<@NotNull @Pattern(regexp = ID, message = ID_IN_WORDS) String> initFrom,
    @Nullable @Schema(description = ABSTAIN_BELOW) Double abstainBelow) {
  static final String ID = io.hyperstream.model.task.TaskDefinition.TASK_ID;
  static final String ID_IN_WORDS =
      "it is " + io.hyperstream.model.task.TaskDefinition.TASK_ID_IN_WORDS;

  private static final String OVER_LENGTH =
      "What happens to a text with more tokens than the model reads at once (512 for the default"
          + " model; GET /api/model has the number as backbone.maxSourceTokens). TRUNCATE, the"
          + " default, cuts it, and the prediction says so; WINDOWS answers with the mean over"
          + " windows of the whole text (not for GENERATION); REJECT refuses it as TEXT_TOO_LONG.";

  private static final String ABSTAIN_BELOW =
      "A classification whose score is below it has no label, and `abstained` says why; its"
          + " distribution is there. From 0, the default (every text gets a label), to 1.";

  /**
   * A class.
   *
   * @param verbalizer what the decoder scores for it; left out: the name
   * @param description what it means, for models that compare a text with the meaning of each
   *     label; left out: the name says it
   */
  @Serdeable
  @Schema(name = "LabelInput")
  public record Label(
      @NotBlank @Size(max = 256) String name,
      @Nullable @Size(max = 256) String verbalizer,
      @Nullable @Size(max = io.hyperstream.model.task.Label.MAX_DESCRIPTION_LENGTH)
          String description) {

    static Label of(TaskLabel label) {
      return new Label(label.getName(), label.getVerbalizer(), label.getDescription());
    }

    TaskLabel toRecord() {
      return new TaskLabel(
          io.hyperstream.model.task.Label.canonical(name), verbalizer, description);
    }
  }

  /** When and how far the task adapts itself; what is left out has the default of the schema. */
  @Serdeable
  @Schema(name = "AdaptationPolicyInput")
  public record Policy(
      @Nullable Boolean enabled,
      @Nullable @Min(1) @Max(1_000_000) Integer triggerExamples,
      @Nullable @Min(1) @Max(100_000) Integer maxExamplesPerLabel,
      @Nullable @DecimalMin("0") @DecimalMax("0.5") Double heldOutFraction,
      @Nullable @DecimalMin("0.5") @DecimalMax("1") Double promotionProbability,
      @Nullable Boolean tuneWeights,
      @Nullable @Min(0) Integer minIntervalSeconds,
      @Nullable AdaptationMethod method) {

    static Policy of(AdaptationPolicy policy) {
      return new Policy(
          policy.getEnabled(),
          policy.getTriggerExamples(),
          policy.getMaxExamplesPerLabel(),
          policy.getHeldOutFraction(),
          policy.getPromotionProbability(),
          policy.getTuneWeights(),
          policy.getMinIntervalSeconds(),
          policy.getMethod());
    }

    AdaptationPolicy toRecord() {
      AdaptationPolicy.Builder policy = AdaptationPolicy.newBuilder();
      Optional.ofNullable(enabled).ifPresent(policy::setEnabled);
      Optional.ofNullable(triggerExamples).ifPresent(policy::setTriggerExamples);
      Optional.ofNullable(maxExamplesPerLabel).ifPresent(policy::setMaxExamplesPerLabel);
      Optional.ofNullable(heldOutFraction).ifPresent(policy::setHeldOutFraction);
      Optional.ofNullable(promotionProbability).ifPresent(policy::setPromotionProbability);
      Optional.ofNullable(tuneWeights).ifPresent(policy::setTuneWeights);
      Optional.ofNullable(minIntervalSeconds).ifPresent(policy::setMinIntervalSeconds);
      Optional.ofNullable(method).ifPresent(policy::setMethod);
      return policy.build();
    }
  }

  /** What would have to be sent to define a task so; without its id. */
  static TaskInput of(TaskDefinition written) {
    return new TaskInput(
        null,
        written.getKind(),
        written.getLabels().stream().map(Label::of).toList(),
        written.getTemplate(),
        written.getTemplatePair(),
        written.getDescription(),
        written.getOverLength(),
        written.getScoring(),
        written.getAdaptation() == null ? null : Policy.of(written.getAdaptation()),
        written.getInitFrom(),
        written.getAbstainBelow());
  }

  /**
   * The record, checked as the application will check it.
   *
   * @throws ProblemException naming the field
   */
  TaskDefinition toRecord(String id) {
    TaskDefinition.Builder record =
        TaskDefinition.newBuilder()
            .setTaskId(id)
            .setKind(kind == null ? TaskKind.CLASSIFICATION : kind)
            .setLabels(labels == null ? List.of() : labels.stream().map(Label::toRecord).toList())
            .setAdaptation(adaptation == null ? null : adaptation.toRecord());
    Optional.ofNullable(template).ifPresent(record::setTemplate);
    Optional.ofNullable(templatePair).ifPresent(record::setTemplatePair);
    Optional.ofNullable(description).ifPresent(record::setDescription);
    Optional.ofNullable(overLength).ifPresent(record::setOverLength);
    Optional.ofNullable(scoring).ifPresent(record::setScoring);
    Optional.ofNullable(initFrom).ifPresent(record::setInitFrom);
    Optional.ofNullable(abstainBelow).ifPresent(record::setAbstainBelow);
    TaskDefinition definition = record.build();
    check("kind", () -> requireKnown(definition.getKind()));
    check("template", () -> new Template(definition.getTemplate()));
    check("templatePair", () -> new Template(definition.getTemplatePair()));
    check("overLength", () -> TaskDefinitions.checkOverLength(definition));
    check("abstainBelow", () -> TaskDefinitions.checkAbstainBelow(definition));
    check("labels", () -> TaskDefinitions.modelOf(definition));
    return definition;
  }

  private static void requireKnown(TaskKind kind) {
    if (kind == TaskKind.UNKNOWN) {
      throw new IllegalArgumentException(
          Expectation.sentence(TaskKind.class, "the text 'UNKNOWN'"));
    }
  }

  private static void check(String field, Runnable check) {
    try {
      check.run();
    } catch (IllegalArgumentException e) {
      throw ProblemException.field(field, e.getMessage());
    }
  }
}
