package io.hyperstream.model.training;

import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.Template;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How the paper renders and measures a GLUE task (its section 3 and the published code's {@code
 * data/tasks.py}, without task prefix): what a folder of such a name has where its {@code
 * task.json} says nothing else.
 *
 * @param step of the numbers said; 0 for a classification
 */
record Glue(Template template, List<Metric> metrics, double step) {
  private static final Map<String, Glue> TASKS =
      Map.of(
          "cola", of("sentence: {text}", Metric.MATTHEWS),
          "sst2", of("sentence: {text}", Metric.ACCURACY),
          "mrpc", of(Template.PAIR.pattern(), Metric.F1, Metric.ACCURACY),
          "qqp", of("question1: {text} question2: {textPair}", Metric.F1, Metric.ACCURACY),
          "mnli", of("premise: {text} hypothesis: {textPair}", Metric.ACCURACY),
          "qnli", of("question: {text} sentence: {textPair}", Metric.ACCURACY),
          "rte", of(Template.PAIR.pattern(), Metric.ACCURACY),
          "wnli", of(Template.PAIR.pattern(), Metric.ACCURACY),
          // Numbers in steps of 0.2, as T5 says them.
          "stsb", new Glue(Template.PAIR, List.of(Metric.PEARSON, Metric.SPEARMAN), 0.2));

  private static Glue of(String template, Metric... metrics) {
    return new Glue(new Template(template), List.of(metrics), 0);
  }

  /** By any of its usual spellings: {@code sst2}, {@code SST-2}, {@code sst_2}. */
  static Optional<Glue> named(String taskId) {
    return Optional.ofNullable(TASKS.get(taskId.toLowerCase(Locale.ROOT).replaceAll("[-_]", "")));
  }

  boolean isRegression() {
    return step > 0;
  }
}
