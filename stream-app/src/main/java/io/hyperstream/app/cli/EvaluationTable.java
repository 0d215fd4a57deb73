package io.hyperstream.app.cli;

import io.hyperstream.model.evaluation.FewShotEvaluation.Run;
import java.util.ArrayList;
import java.util.Collection;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Few-shot runs as a table: a line per task, number of shots and method, then their means. */
final class EvaluationTable {
  private record Key(String taskId, int shots, String method) {}

  private static final String FORM =
      "%%-24s %%5s  %%-%ds  %%-9s %%9s %%-7s %%6s %%-7s %%6s %%8s %%5s%%s";

  private final Map<Key, List<Run>> runs = new LinkedHashMap<>();

  void add(Run run) {
    runs.computeIfAbsent(new Key(run.taskId(), run.shots(), run.method()), key -> new ArrayList<>())
        .add(run);
  }

  /**
   * The lines; none without a run. ± is the standard deviation over the seeds, ece the expected
   * calibration error; out of scope, where it was measured, the area under the ROC curve.
   */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    if (runs.isEmpty()) {
      return lines;
    }
    int width = runs.keySet().stream().mapToInt(key -> key.method.length()).max().orElse(0);
    String form = FORM.formatted(Math.max(10, width));
    lines.add(
        line(
            form,
            "task",
            "shots",
            "method",
            "metric",
            "zero-shot",
            "",
            "after",
            "",
            "ece",
            "seconds",
            "runs",
            isMeasured(runs.values()) ? "  out of scope" : ""));
    Map<Key, List<Run>> overall = new LinkedHashMap<>();
    runs.forEach(
        (key, of) -> {
          lines.add(line(form, key, of.get(0).metric(), of, true));
          overall
              .computeIfAbsent(new Key("mean", key.shots, key.method), k -> new ArrayList<>())
              .addAll(of);
        });
    if (runs.keySet().stream().map(Key::taskId).distinct().count() > 1) {
      overall.forEach((key, of) -> lines.add(line(form, key, "", of, false)));
    }
    return lines;
  }

  private static String line(String form, Key key, String metric, List<Run> of, boolean spread) {
    return line(
        form,
        key.taskId,
        Integer.toString(key.shots),
        key.method,
        metric,
        mean(of, Run::zeroShot),
        spread ? spread(of, Run::zeroShot) : "",
        mean(of, Run::score),
        spread ? spread(of, Run::score) : "",
        mean(of, Run::calibrationError),
        String.format(
            Locale.ROOT, "%.1f", of.stream().mapToDouble(Run::seconds).average().orElse(0)),
        Integer.toString(of.size()),
        isMeasured(List.of(of)) ? "  " + mean(of, run -> run.outOfScope().orElse(Double.NaN)) : "");
  }

  private static boolean isMeasured(Collection<List<Run>> runs) {
    return runs.stream().flatMap(List::stream).anyMatch(run -> run.outOfScope().isPresent());
  }

  private static String line(
      String form,
      String task,
      String shots,
      String method,
      String metric,
      String zero,
      String zeroSpread,
      String after,
      String afterSpread,
      String calibration,
      String seconds,
      String runs,
      String outOfScope) {
    return String.format(
        Locale.ROOT,
        form,
        task,
        shots,
        method,
        metric,
        zero,
        zeroSpread,
        after,
        afterSpread,
        calibration,
        seconds,
        runs,
        outOfScope);
  }

  private static String mean(List<Run> of, ToDoubleFunction<Run> value) {
    return String.format(Locale.ROOT, "%.3f", of.stream().mapToDouble(value).average().orElse(0));
  }

  private static String spread(List<Run> of, ToDoubleFunction<Run> value) {
    DoubleSummaryStatistics all = of.stream().mapToDouble(value).summaryStatistics();
    double squares =
        of.stream().mapToDouble(value).map(v -> Math.pow(v - all.getAverage(), 2)).sum();
    return String.format(Locale.ROOT, "±%.3f", Math.sqrt(squares / of.size()));
  }
}
