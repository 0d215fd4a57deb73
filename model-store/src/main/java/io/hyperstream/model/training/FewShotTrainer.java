package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.Prototypes;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.training.FewShotCandidate.Report;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Adapts one classification task to a few examples; the model itself stays frozen, so no other task
 * is touched. It starts from the known task (or the mean of all) whose embedding explains the
 * examples best. Nothing is set per task: every weight is fitted on examples left out of what it
 * weighs.
 *
 * <p>From one example per label to thousands; labels may be imbalanced, missing or contradictory.
 * The same examples and seed give the same candidate. One thread.
 */
public final class FewShotTrainer {

  /** Which parts take part. */
  public enum Method {
    /** The start chosen, nothing learnt: what serves before any adaptation. */
    ZERO_SHOT,
    /** Stage 1: the task embedding, by gradient. */
    EMBEDDING,
    /** Label vectors over encoder states and words, beside the start's decoder; no gradient. */
    PROTOTYPES,
    /** Stage 1, then stage 2: the adapter weights themselves. */
    WEIGHTS,
    /** Prototypes, and whichever decoder explains left-out examples best. */
    AUTO
  }

  /** What the gradient stages learn from. */
  public enum Loss {
    /** The candidate labels' scores: what serving answers with. */
    CANDIDATES,
    /** The tokens of the right label, as the paper. */
    LANGUAGE_MODEL
  }

  private static final int START_ROWS = 32;
  private static final int FOLDS = 5;

  /** Tuned decoders are judged on so few folds only: each is a training run. */
  private static final int TUNING_FOLDS = 2;

  private static final int LEAST_ROWS_TO_TUNE = 8;

  private static final String START = "start";
  private static final String TUNED_EMBEDDING = "embedding";
  static final String TUNED_WEIGHTS = "weights";

  private final FewShotModel model;
  private final DecoderTuner.Settings embeddingSettings;
  private final DecoderTuner.Settings weightSettings;

  /** Gradient stages learn from the candidate labels' scores. */
  public FewShotTrainer(FewShotModel model) {
    this(model, Loss.CANDIDATES);
  }

  public FewShotTrainer(FewShotModel model, Loss loss) {
    this.model = model;
    embeddingSettings = DecoderTuner.Settings.embedding(loss == Loss.LANGUAGE_MODEL);
    weightSettings = DecoderTuner.Settings.weights(loss == Loss.LANGUAGE_MODEL);
  }

  /**
   * Trains a candidate.
   *
   * @param examples of the task; those with other labels are counted and left out
   * @return to be closed by the caller
   * @throws IllegalArgumentException if no usable example is left, or the task has no labels
   */
  public FewShotCandidate train(
      TaskDefinition task, List<Example> examples, Method method, long seed) {
    if (task.kind() != TaskKind.CLASSIFICATION) {
      throw new IllegalArgumentException(
          "few-shot adaptation needs labels; task '" + task.taskId() + "' is " + task.kind());
    }
    LabelledRows rows = LabelledRows.of(task, examples);
    if (rows.examples().isEmpty()) {
      throw new IllegalArgumentException(
          "none of %d examples of task '%s' can be used: %d have labels it does not have, %d texts contradict themselves"
              .formatted(
                  examples.size(), task.taskId(), rows.unknownLabels(), rows.contradictions()));
    }
    return new Run(task, rows, seed).train(method);
  }

  /**
   * One decoder with label vectors over its states, as considered: [3][rows][labels] logits of
   * decoder, states and words, each row's by what was learnt without it.
   */
  private record Mixture(String decoder, double[][][] leftOut) {}

  /** One training run. */
  private final class Run {
    private final long begun = System.nanoTime();
    private final TaskDefinition task;
    private final LabelledRows labelled;
    private final long seed;
    private final int labels;
    private final CandidateScorer scorer;
    private final TaskData.Rows rows;
    private final int[] y;
    private final int[] all;
    private final DecoderTuner tuner;

    Run(TaskDefinition task, LabelledRows labelled, long seed) {
      this.task = task;
      this.labelled = labelled;
      this.seed = seed;
      labels = task.labels().size();
      scorer = model.scorer(task);
      rows = TaskData.encode(task, labelled.examples(), model.tokenizer(), model.maxSource());
      y = rows.labels();
      all = IntStream.range(0, y.length).toArray();
      tuner = new DecoderTuner(model, scorer, rows, labels, seed);
    }

    FewShotCandidate train(Method method) {
      Map<String, float[]> starts = starts();
      String name = best(starts);
      float[] embedding = starts.get(name);
      AdapterWeights start = model.factory().generate(List.of(embedding)).get(0);
      return switch (method) {
        case ZERO_SHOT -> decoderOnly(name, embedding, start, START);
        case EMBEDDING, WEIGHTS -> {
          float[] tuned = tuner.embedding(embedding, all, embeddingSettings);
          start.close();
          AdapterWeights generated = model.factory().generate(List.of(tuned)).get(0);
          if (method == Method.EMBEDDING) {
            yield decoderOnly(name, tuned, generated, TUNED_EMBEDDING);
          }
          AdapterWeights weights = tuner.weights(generated, all, weightSettings);
          generated.close();
          yield decoderOnly(name, tuned, weights, TUNED_WEIGHTS);
        }
        case PROTOTYPES -> mixed(name, embedding, start, false);
        case AUTO -> mixed(name, embedding, start, true);
      };
    }

    /** Known embeddings and their mean. */
    private Map<String, float[]> starts() {
      Map<String, float[]> starts = new LinkedHashMap<>(model.knownEmbeddings());
      float[] mean = new float[starts.values().iterator().next().length];
      for (float[] known : starts.values()) {
        for (int i = 0; i < mean.length; i++) {
          mean[i] += known[i] / starts.size();
        }
      }
      starts.put("mean", mean);
      return starts;
    }

    /** The start with the least log-loss on the examples, or on some of them. */
    private String best(Map<String, float[]> starts) {
      int[] some = some();
      int[][] inputs = IntStream.of(some).mapToObj(i -> rows.inputs()[i]).toArray(int[][]::new);
      int[] answers = IntStream.of(some).map(i -> y[i]).toArray();
      String best = "mean";
      double least = Double.POSITIVE_INFINITY;
      for (Map.Entry<String, float[]> start : starts.entrySet()) {
        try (AdapterWeights weights = model.factory().generate(List.of(start.getValue())).get(0)) {
          double[][] scores = model.run(weights, inputs, scorer).scores();
          double loss = Stacking.logLoss(new double[][][] {scores}, answers, new double[] {1});
          if (loss < least) {
            least = loss;
            best = start.getKey();
          }
        }
      }
      return best;
    }

    private int[] some() {
      int[] shuffled = all.clone();
      Random random = new Random(seed);
      for (int i = shuffled.length - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        int swap = shuffled[i];
        shuffled[i] = shuffled[j];
        shuffled[j] = swap;
      }
      return Arrays.copyOf(shuffled, Math.min(START_ROWS, shuffled.length));
    }

    private FewShotCandidate decoderOnly(
        String name, float[] embedding, AdapterWeights weights, String decoder) {
      Report report = report(name, decoder, new double[] {1, 0, 0}, Double.NaN);
      return new FewShotCandidate(model, task, embedding, weights, Optional.empty(), report);
    }

    /** Label vectors beside a decoder, the weights fitted on left-out examples. */
    private FewShotCandidate mixed(
        String name, float[] embedding, AdapterWeights start, boolean tune) {
      FewShotModel.Outputs outputs = model.run(start, rows.inputs(), scorer);
      double[][] words =
          labelled.examples().stream()
              .map(example -> model.lexical().of(example.text(), example.textPair()).dense())
              .toArray(double[][]::new);
      Mixture best = new Mixture(START, leftOut(outputs, words, folds()));
      if (tune && worthTuning(outputs.scores())) {
        Mixture start2 = new Mixture(START, leftOut(outputs, words, TUNING_FOLDS));
        best = better(tunedMixtures(embedding, words), start2, best);
      }
      double[] weights =
          folds() < 2 ? Stacking.prior(best.leftOut()) : Stacking.fit(best.leftOut(), y);
      double loss = folds() < 2 ? Double.NaN : Stacking.logLoss(best.leftOut(), y, weights);
      float[] adapted = embedding;
      AdapterWeights decoder = start;
      if (!best.decoder().equals(START)) {
        start.close();
        adapted = tuner.embedding(embedding, all, embeddingSettings);
        decoder = tunedWeights(adapted, all, best.decoder());
        outputs = model.run(decoder, rows.inputs(), null);
      }
      LabelHead head =
          LabelHead.of(
              task.labels().stream().map(Label::name).toList(),
              Prototypes.fit(outputs.pooled(), words, y, all, labels),
              weights);
      Report report = report(name, best.decoder(), weights, loss);
      return new FewShotCandidate(model, task, adapted, decoder, Optional.of(head), report);
    }

    /** Gradients help where the decoder knows something of the task, not where it guesses. */
    private boolean worthTuning(double[][] start) {
      double loss = Stacking.logLoss(new double[][][] {start}, y, new double[] {1});
      return y.length >= LEAST_ROWS_TO_TUNE && folds() >= 2 && loss < Math.log(labels);
    }

    /** The start, unless a tuned decoder with its vectors is better over the same folds. */
    private Mixture better(List<Mixture> tuned, Mixture startOnSameFolds, Mixture start) {
      Mixture best = start;
      double least = loss(startOnSameFolds);
      for (Mixture one : tuned) {
        if (loss(one) < least) {
          least = loss(one);
          best = one;
        }
      }
      return best;
    }

    private List<Mixture> tunedMixtures(float[] embedding, double[][] words) {
      int[] fold = Stacking.folds(y, TUNING_FOLDS, seed);
      double[][][] byEmbedding = new double[3][y.length][];
      double[][][] byWeights = new double[3][y.length][];
      for (int k = 0; k < TUNING_FOLDS; k++) {
        int now = k;
        int[] learn = IntStream.of(all).filter(i -> fold[i] != now).toArray();
        int[] check = IntStream.of(all).filter(i -> fold[i] == now).toArray();
        float[] tuned = tuner.embedding(embedding, learn, embeddingSettings);
        try (AdapterWeights generated = tunedWeights(tuned, learn, TUNED_EMBEDDING);
            AdapterWeights weights = tuner.weights(generated, learn, weightSettings)) {
          leaveOut(model.run(generated, rows.inputs(), scorer), words, learn, check, byEmbedding);
          leaveOut(model.run(weights, rows.inputs(), scorer), words, learn, check, byWeights);
        }
      }
      return List.of(
          new Mixture(TUNED_EMBEDDING, byEmbedding), new Mixture(TUNED_WEIGHTS, byWeights));
    }

    private double loss(Mixture mixture) {
      return Stacking.logLoss(mixture.leftOut(), y, Stacking.fit(mixture.leftOut(), y));
    }

    private AdapterWeights tunedWeights(float[] embedding, int[] learn, String decoder) {
      AdapterWeights generated = model.factory().generate(List.of(embedding)).get(0);
      if (!decoder.equals(TUNED_WEIGHTS)) {
        return generated;
      }
      try (generated) {
        return tuner.weights(generated, learn, weightSettings);
      }
    }

    private int folds() {
      int[] count = new int[labels];
      for (int label : y) {
        count[label]++;
      }
      int least = Arrays.stream(count).filter(n -> n > 0).min().orElse(0);
      return Math.min(FOLDS, Math.max(least, y.length >= 4 * labels ? 2 : least));
    }

    /** Of a decoder that learnt nothing: only the label vectors leave rows out. */
    private double[][][] leftOut(FewShotModel.Outputs outputs, double[][] words, int folds) {
      double[][][] out = new double[3][y.length][];
      if (folds < 2) { // one example of a label: nothing can be left out
        leaveOut(outputs, words, all, all, out);
        return out;
      }
      int[] fold = Stacking.folds(y, folds, seed);
      for (int k = 0; k < folds; k++) {
        int now = k;
        int[] learn = IntStream.of(all).filter(i -> fold[i] != now).toArray();
        int[] check = IntStream.of(all).filter(i -> fold[i] == now).toArray();
        leaveOut(outputs, words, learn, check, out);
      }
      return out;
    }

    /** Logits of rows by label vectors of other rows, and the decoder's: out [3][rows][labels]. */
    private void leaveOut(
        FewShotModel.Outputs outputs,
        double[][] words,
        int[] learn,
        int[] check,
        double[][][] out) {
      Prototypes fitted = Prototypes.fit(outputs.pooled(), words, y, learn, labels);
      for (int i : check) {
        out[0][i] = outputs.scores()[i];
        out[1][i] = fitted.pooledLogits(outputs.pooled()[i]);
        out[2][i] = fitted.lexicalLogits(words[i]);
      }
    }

    private Report report(String start, String decoder, double[] weights, double loss) {
      return new Report(
          start,
          labelled.examples().size(),
          labelled.duplicates(),
          labelled.contradictions(),
          labelled.unknownLabels(),
          labelled.missingLabels(),
          decoder,
          weights[0],
          weights[1],
          weights[2],
          loss,
          (System.nanoTime() - begun) / 1e9);
    }
  }
}
