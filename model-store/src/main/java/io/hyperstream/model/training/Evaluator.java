package io.hyperstream.model.training;

import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.tensor.Ops;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Measures a model in training by each task's own metric. */
final class Evaluator {
  private static final int BATCH = 32;

  private final TrainingModel model;

  Evaluator(TrainingModel model) {
    this.model = model;
  }

  /** The metrics of a task on rows, by their keys; the rows must not be empty. */
  Map<String, Double> measure(TaskData data, TaskData.Rows rows) {
    boolean recording = Ops.setRecording(false);
    try {
      Integer[] order = new Integer[rows.size()];
      Arrays.setAll(order, i -> i);
      Arrays.sort(order, Comparator.comparingInt(i -> rows.inputs().get(i).length()));
      double[] predictions = new double[rows.size()];
      TrainingModel.Answers answering = model.answers(data);
      for (int from = 0; from < order.length; from += BATCH) {
        int to = Math.min(order.length, from + BATCH);
        List<TokenSequence> inputs =
            Arrays.stream(order, from, to).map(rows.inputs()::get).toList();
        double[] answers = answering.of(inputs);
        for (int i = from; i < to; i++) {
          predictions[order[i]] = answers[i - from];
        }
      }
      int[] labels = Arrays.stream(predictions).mapToInt(p -> (int) p).toArray();
      Map<String, Double> measured = new LinkedHashMap<>();
      for (Metric metric : data.metrics()) {
        measured.put(
            metric.key(),
            metric.isRegression()
                ? metric.of(rows.references(), predictions)
                : metric.of(rows.labels(), labels, data.task().labels().size()));
      }
      return measured;
    } finally {
      Ops.setRecording(recording);
    }
  }
}
