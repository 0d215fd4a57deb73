package io.hyperstream.model.training;

import ai.djl.ndarray.NDScope;
import io.hyperstream.model.t5.CandidateScorer;
import io.hyperstream.model.t5.CrossMemory;
import io.hyperstream.model.t5.Generated;
import io.hyperstream.model.t5.GenerationOptions;
import io.hyperstream.model.t5.LabelSpace;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures a model in training by each task's own metric: labels are scored as serving scores them,
 * numbers decoded greedily.
 */
final class Evaluator {
  private static final int BATCH = 32;
  private static final int MAX_NUMBER_TOKENS = 12;

  private final TrainingModel model;
  private final SentencePieceTokenizer tokenizer;

  Evaluator(TrainingModel model, SentencePieceTokenizer tokenizer) {
    this.model = model;
    this.tokenizer = tokenizer;
  }

  /** The metrics of a task on rows, by their keys; the rows must not be empty. */
  Map<String, Double> measure(TaskData data, TaskData.Rows rows) {
    boolean recording = Ops.setRecording(false);
    try {
      Integer[] order = new Integer[rows.size()];
      Arrays.setAll(order, i -> i);
      Arrays.sort(order, Comparator.comparingInt(i -> rows.inputs()[i].length));
      double[] predictions = new double[rows.size()];
      CandidateScorer scorer = scorer(data);
      for (int from = 0; from < order.length; from += BATCH) {
        int to = Math.min(order.length, from + BATCH);
        int[][] inputs = new int[to - from][];
        for (int i = from; i < to; i++) {
          inputs[i - from] = rows.inputs()[order[i]];
        }
        double[] answers = answer(data, inputs, scorer);
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

  private CandidateScorer scorer(TaskData data) {
    if (data.task().kind() != TaskKind.CLASSIFICATION) {
      return null;
    }
    int start = model.t5().config().decoderStartId();
    return new CandidateScorer(model.t5(), LabelSpace.of(data.task().labels(), tokenizer, start));
  }

  private double[] answer(TaskData data, int[][] inputs, CandidateScorer scorer) {
    List<String> tasks = Collections.nCopies(inputs.length, data.task().taskId());
    try (NDScope scope = Ops.scope();
        TrainingModel.Hook hook = model.hook(tasks)) {
      scope.suppressNotUsedWarning();
      CrossMemory memory = model.encode(inputs, hook.adapters());
      double[] out = new double[inputs.length];
      if (scorer != null) {
        long[] best = Ops.argMax(scorer.score(memory, hook.adapters())).toLongArray();
        Arrays.setAll(out, i -> best[i]);
        return out;
      }
      GenerationOptions greedy = GenerationOptions.greedy(MAX_NUMBER_TOKENS);
      List<Generated> generated = model.t5().generate(memory, hook.adapters(), greedy);
      Arrays.setAll(out, i -> number(tokenizer.decode(generated.get(i).tokens())));
      return out;
    }
  }

  /** What is no number counts as 0. */
  private static double number(String text) {
    try {
      double value = Double.parseDouble(text.strip());
      return Double.isFinite(value) ? value : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
