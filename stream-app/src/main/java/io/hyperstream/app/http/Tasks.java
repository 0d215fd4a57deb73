package io.hyperstream.app.http;

import io.hyperstream.app.http.TaskView.ExampleCounts;
import io.hyperstream.app.http.TaskView.LabelView;
import io.hyperstream.app.http.TaskView.PolicyView;
import io.hyperstream.app.http.TaskView.ServedVersion;
import io.hyperstream.app.http.problem.ProblemException;
import io.hyperstream.app.http.topics.DefinitionTable.Defined;
import io.hyperstream.app.http.topics.TopicView;
import io.hyperstream.app.http.topics.VersionTable.Published;
import io.hyperstream.app.inference.InferenceClient;
import io.hyperstream.app.streams.Sentences;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.NearNames;
import io.hyperstream.schemas.AdaptationPolicy;
import io.hyperstream.schemas.AdaptationReport;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import io.micronaut.http.HttpStatus;
import jakarta.inject.Singleton;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Tasks as callers see them, out of what the topics and this process's catalog say. Any thread. */
@Singleton
final class Tasks {
  private final TopicView view;
  private final InferenceClient inference;
  private final ServedModel model;

  Tasks(TopicView view, InferenceClient inference, ServedModel model) {
    this.view = view;
    this.inference = inference;
    this.model = model;
  }

  /**
   * The topics, read to their end at least once.
   *
   * @throws ProblemException 503 before
   */
  TopicView view() {
    view.problem()
        .ifPresent(
            problem -> {
              throw ProblemException.notNow(problem);
            });
    return view;
  }

  /**
   * A task that must be defined.
   *
   * @throws ProblemException 404 with the ids that are near
   */
  Defined require(String taskId) {
    return view()
        .definitions()
        .find(taskId)
        .orElseThrow(() -> new ProblemException(HttpStatus.NOT_FOUND, undefined(taskId)));
  }

  /** That a task is not defined, with the ids that are near. */
  String undefined(String taskId) {
    return "no task '"
        + shown(taskId)
        + "' is defined"
        + NearNames.hint(view.definitions().near(taskId), "; GET /api/tasks lists those that are");
  }

  private static String shown(String taskId) {
    return taskId.length() > 128 ? taskId.substring(0, 128) + "..." : taskId;
  }

  TaskView show(Defined task) {
    TaskDefinition written =
        task.written()
            .orElseGet(
                () ->
                    TaskDefinition.newBuilder()
                        .setTaskId(task.taskId())
                        .setKind(TaskKind.UNKNOWN)
                        .build());
    Optional<String> problem =
        task.problem().or(() -> inference.invalid(task.taskId())).map(Sentences::of);
    Optional<Published> served =
        model.modelId().flatMap(id -> view.versions().served(id, task.taskId()));
    Optional<AdaptationReport> report = view.lastReport(task.taskId());
    Optional<AdaptationReport> current =
        report.filter(r -> model.modelId().equals(Optional.of(r.getModelId())));
    long serves = served.map(Published::version).orElse(0L);
    return new TaskView(
        task.taskId(),
        written.getKind(),
        written.getLabels().stream()
            .map(
                label ->
                    new LabelView(label.getName(), label.getVerbalizer(), label.getDescription()))
            .toList(),
        written.getTemplate(),
        written.getTemplatePair(),
        written.getDescription(),
        written.getOverLength(),
        written.getScoring(),
        written.getAdaptation() == null ? null : policy(written.getAdaptation()),
        written.getInitFrom(),
        written.getAbstainBelow(),
        problem.isEmpty(),
        problem.orElse(null),
        served.map(Tasks::served).orElse(null),
        current.map(AccuracyView::of).filter(a -> a.version() == serves).orElse(null),
        current.map(AccuracyView::pinnedBy).orElse(null),
        report.map(AdaptationReport::getPrequentialAccuracy).orElse(null),
        report.map(AdaptationReport::getPrequentialExamples).orElse(null),
        report.map(r -> examples(r, written)).orElse(null));
  }

  /** Those of labels that are not defined are set aside, or will be when adaptation sees that. */
  private static ExampleCounts examples(AdaptationReport report, TaskDefinition written) {
    Map<String, Integer> labels = null;
    if (report.getKeptExamples() != null && !written.getLabels().isEmpty()) {
      labels = new LinkedHashMap<>();
      for (TaskLabel label : written.getLabels()) {
        labels.put(
            label.getName(),
            report.getKeptExamples().getOrDefault(Label.canonical(label.getName()), 0));
      }
    }
    Map<String, Integer> setAside = null;
    if (report.getKeptExamples() != null) {
      setAside = new TreeMap<>(report.getKeptExamples());
      written.getLabels().stream().map(TaskLabel::getName).forEach(setAside::remove);
    }
    return new ExampleCounts(report.getExamples(), report.getHeldOut(), labels, setAside);
  }

  static ServedVersion served(Published version) {
    return new ServedVersion(
        version.version(),
        version.form(),
        version.createdAt(),
        version.examples(),
        version.metrics(),
        version.reason());
  }

  private static PolicyView policy(AdaptationPolicy policy) {
    return new PolicyView(
        policy.getEnabled(),
        policy.getTriggerExamples(),
        policy.getMaxExamplesPerLabel(),
        policy.getHeldOutFraction(),
        policy.getPromotionProbability(),
        policy.getTuneWeights(),
        policy.getMinIntervalSeconds(),
        policy.getMethod());
  }
}
