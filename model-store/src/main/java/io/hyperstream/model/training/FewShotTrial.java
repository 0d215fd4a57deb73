package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.training.FewShotRun.Decoder;
import io.hyperstream.model.training.FewShotTrainer.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Champion against challenger: trains a candidate on a task's examples and judges it and the
 * version that serves on the same examples, none of which either has learnt from.
 *
 * <p>With {@value #HELD_OUT_PER_LABEL} held-out examples of each label these decide. With fewer all
 * examples are learnt from, and each is judged by what the same procedure makes of it when it is
 * left out. An example the champion has learnt from would flatter it: there the champion's
 * procedure is repeated on the champion's examples without it.
 *
 * <p>One quantity is compared: the log-loss of calibrated probabilities. The challenger's are
 * calibrated by how it is made. The champion's are taken as it answers, or at the temperature that
 * suits it best, found on other examples too, whichever loses less: more or less confidence in the
 * same knowledge is no reason for a new version.
 *
 * <p>Equal arguments give equal results, up to rounding if a memory knows other texts already. One
 * thread.
 */
public final class FewShotTrial {
  /** So many held-out examples of each label decide without cross-validation. */
  public static final int HELD_OUT_PER_LABEL = 8;

  private static final int RESAMPLES = 2000;

  private static final String NOTHING_TO_JUDGE =
      "nothing can be judged yet: it takes two examples of a label to leave one out";

  /** No single example may decide: probabilities are not counted as less than this. */
  private static final double LEAST_PROBABILITY = 0.01;

  /**
   * How to try.
   *
   * @param method what learns
   * @param tuneWeights whether {@link Method#AUTO} may tune adapter weights
   * @param start the known task to start from, {@code generic}, {@code mean} or {@code bare};
   *     empty: to be chosen
   * @param cancelled asked often; true ends the trial with a {@link CancellationException}
   */
  public record Options(
      Method method,
      boolean tuneWeights,
      Optional<String> start,
      long seed,
      BooleanSupplier cancelled) {}

  /** What the judgement rests on. */
  public enum Judge {
    /** Examples kept back; the candidate has learnt from none of them. */
    HELD_OUT,
    /** Each example when it was left out; the candidate has learnt from all, held out or not. */
    CROSS_VALIDATION
  }

  /**
   * What came of it.
   *
   * @param candidate empty if nothing usable came of the examples
   * @param reason why there is no candidate, or what there is to say about its examples; a
   *     sentence, or empty
   * @param before the champion's accuracy, macro_f1 and log_loss (calibrated, see above) on the
   *     judged examples; empty if none could be judged
   * @param after the candidate's on the same
   * @param gain how much less the candidate loses
   * @param probabilityBetter that the candidate's mean log-loss is lower, by a paired bootstrap;
   *     0.5 if nothing could be judged
   * @param judged how many examples decided
   * @param start the known task the candidate started from, {@code generic}, {@code mean} or {@code
   *     bare}; empty without one
   * @param report what training found; empty without a candidate
   */
  public record Result(
      Optional<FewShotVersion> candidate,
      String reason,
      Map<String, Double> before,
      Map<String, Double> after,
      Gain gain,
      double probabilityBetter,
      int judged,
      Judge judge,
      String start,
      Optional<FewShotCandidate.Report> report) {}

  /**
   * The champion's log-loss less the candidate's, example by example.
   *
   * @param mean in nats; positive if the candidate is better
   * @param spread standard deviation; 0 for less than two examples
   */
  public record Gain(double mean, double spread) {
    public static final Gain NONE = new Gain(0, 0);

    static Gain of(double[] gains) {
      double mean = Arrays.stream(gains).average().orElse(0);
      double squares = Arrays.stream(gains).map(gain -> (gain - mean) * (gain - mean)).sum();
      return new Gain(mean, gains.length < 2 ? 0 : Math.sqrt(squares / (gains.length - 1)));
    }
  }

  private final FewShotModel model;
  private final FewShotRun.Tuning tuning;

  public FewShotTrial(FewShotModel model) {
    this.model = model;
    tuning = FewShotRun.Tuning.of(FewShotTrainer.Loss.CANDIDATES);
  }

  /**
   * Trains and judges.
   *
   * @param champion the version that serves
   * @param train to learn from
   * @param seenByChampion for each of {@code train}, whether the champion learnt from it
   * @param heldOut neither of them learnt from; see {@link Judge} for when the candidate does
   * @throws CancellationException if it was cancelled
   * @throws IllegalArgumentException if the task has no labels
   */
  public Result run(
      TaskDefinition task,
      TaskAdapter champion,
      List<Example> train,
      boolean[] seenByChampion,
      List<Example> heldOut,
      Options options) {
    if (seenByChampion.length != train.size()) {
      throw new IllegalArgumentException(
          "one flag per example: %d examples, %d flags"
              .formatted(train.size(), seenByChampion.length));
    }
    FewShotTrainer.requireLabels(task);
    return run(new FewShotMemory(model, task), champion, train, seenByChampion, heldOut, options);
  }

  /** The same for a task that is tried again and again. */
  public Result run(
      FewShotMemory memory,
      TaskAdapter champion,
      List<Example> train,
      boolean[] seenByChampion,
      List<Example> heldOut,
      Options options) {
    return new Trial(memory, champion, options).run(train, seenByChampion, heldOut);
  }

  /**
   * Gets ready for a trial with such examples and perhaps a few more: what the start is chosen by
   * is in the memory then, and the trial is as quick as if it were the second of its kind.
   *
   * @param examples all that may be learnt from or held out
   * @throws CancellationException if it was cancelled; what was done until then is not lost
   */
  public void prepare(FewShotMemory memory, List<Example> examples, Options options) {
    LabelledRows rows = LabelledRows.of(memory.task(), examples);
    if (!rows.examples().isEmpty()) {
      new FewShotRun(memory, rows, tuning, options.seed(), options.cancelled())
          .prepare(options.start());
    }
  }

  /** The same examples as two versions answer them. */
  private record Answers(List<Example> examples, double[][] before, double[][] after) {}

  private final class Trial {
    private final TaskDefinition task;
    private final TaskAdapter champion;
    private final Options options;
    private final FewShotMemory memory;
    private final List<String> labels;

    Trial(FewShotMemory memory, TaskAdapter champion, Options options) {
      this.memory = memory;
      this.champion = champion;
      this.options = options;
      task = memory.task();
      labels = task.labels().stream().map(Label::name).toList();
    }

    Result run(List<Example> train, boolean[] seenByChampion, List<Example> heldOut) {
      Set<String> seen = new HashSet<>();
      Set<String> learnt = new HashSet<>();
      for (int i = 0; i < seenByChampion.length; i++) {
        learnt.add(LabelledRows.key(train.get(i)));
        if (seenByChampion[i]) {
          seen.add(LabelledRows.key(train.get(i)));
        }
      }
      List<Example> apart =
          LabelledRows.of(task, heldOut).examples().stream()
              .filter(example -> !learnt.contains(LabelledRows.key(example)))
              .toList();
      Judge judge = enough(LabelledRows.of(task, train).examples(), apart);
      List<Example> all = new ArrayList<>(train);
      if (judge == Judge.CROSS_VALIDATION) {
        all.addAll(heldOut);
      }
      LabelledRows rows = LabelledRows.of(task, all);
      if (rows.examples().isEmpty()) {
        return none(rows.nothingUsable(task, all.size()), judge);
      }
      if (rows.examples().stream().map(Example::label).distinct().count() < 2) {
        return none(
            "all %d usable examples have the label '%s'; examples of at least two labels are needed"
                .formatted(rows.examples().size(), rows.examples().get(0).label()),
            judge);
      }
      FewShotRun run = trial(rows);
      try (FewShotCandidate candidate =
          run.train(options.method(), options.tuneWeights(), options.start())) {
        Optional<Answers> answers =
            judge == Judge.HELD_OUT
                ? Optional.of(
                    new Answers(apart, memory.answers(champion, apart), candidate.predict(apart)))
                : crossValidated(run, candidate, seen);
        return result(candidate, answers, judge);
      }
    }

    private FewShotRun trial(LabelledRows rows) {
      return new FewShotRun(memory, rows, tuning, options.seed(), options.cancelled());
    }

    private Result none(String reason, Judge judge) {
      return new Result(
          Optional.empty(),
          reason,
          Map.of(),
          Map.of(),
          Gain.NONE,
          0.5,
          0,
          judge,
          "",
          Optional.empty());
    }

    /** Whether enough is held out of every label that has examples. */
    private Judge enough(List<Example> train, List<Example> heldOut) {
      Map<String, Integer> count = new HashMap<>();
      train.forEach(example -> count.putIfAbsent(example.label(), 0));
      heldOut.forEach(example -> count.merge(example.label(), 1, Integer::sum));
      return !train.isEmpty() && count.values().stream().allMatch(n -> n >= HELD_OUT_PER_LABEL)
          ? Judge.HELD_OUT
          : Judge.CROSS_VALIDATION;
    }

    /** Rows the champion learnt from and that cannot be left out of it do not count. */
    private Optional<Answers> crossValidated(
        FewShotRun run, FewShotCandidate candidate, Set<String> seen) {
      Optional<double[][]> after = run.leftOut(candidate, options.start());
      if (after.isEmpty()) {
        return Optional.empty();
      }
      List<Example> examples = run.examples();
      Map<Example, double[]> before = new HashMap<>();
      List<Example> known =
          examples.stream().filter(e -> seen.contains(LabelledRows.key(e))).toList();
      Optional<Decoder> learnt = learnt();
      List<Example> fresh = new ArrayList<>(examples);
      if (!known.isEmpty() && (learnt.isPresent() || champion.head().isPresent())) {
        fresh.removeAll(known);
        FewShotRun again = trial(LabelledRows.of(task, known));
        again
            .leftOut(learnt.orElse(Decoder.START), champion.head().isPresent(), championsStart())
            .ifPresent(
                p -> IntStream.range(0, p.length).forEach(i -> before.put(known.get(i), p[i])));
      }
      if (!fresh.isEmpty()) {
        double[][] p = memory.answers(champion, fresh);
        IntStream.range(0, p.length).forEach(i -> before.put(fresh.get(i), p[i]));
      }
      int[] judged =
          IntStream.range(0, examples.size())
              .filter(i -> before.containsKey(examples.get(i)))
              .toArray();
      return judged.length == 0
          ? Optional.empty()
          : Optional.of(
              new Answers(
                  IntStream.of(judged).mapToObj(examples::get).toList(),
                  IntStream.of(judged)
                      .mapToObj(i -> before.get(examples.get(i)))
                      .toArray(double[][]::new),
                  IntStream.of(judged).mapToObj(i -> after.get()[i]).toArray(double[][]::new)));
    }

    /** Which stage of the champion's decoder has learnt from examples, if any. */
    private Optional<Decoder> learnt() {
      if (champion.form() instanceof AdapterForm.Weights) {
        return Optional.of(Decoder.WEIGHTS);
      }
      return champion.form() instanceof AdapterForm.Embedding embedding
              && memory.startOf(embedding).isEmpty()
          ? Optional.of(Decoder.EMBEDDING)
          : Optional.empty();
    }

    private Optional<String> championsStart() {
      return memory.startOf(champion.form()).or(options::start);
    }

    private Result result(FewShotCandidate candidate, Optional<Answers> answers, Judge judge) {
      FewShotCandidate.Report report = candidate.report();
      if (answers.isEmpty()) {
        return new Result(
            Optional.of(candidate.version()),
            Stream.of(NOTHING_TO_JUDGE, report.remarks())
                .filter(sentence -> !sentence.isEmpty())
                .collect(Collectors.joining("; ")),
            Map.of(),
            Map.of(),
            Gain.NONE,
            0.5,
            0,
            judge,
            report.start(),
            Optional.of(report));
      }
      Answers judged = answers.get();
      int[] y = judged.examples().stream().mapToInt(e -> labels.indexOf(e.label())).toArray();
      double[] after = losses(judged.after(), y);
      double[] before =
          less(
              losses(judged.before(), y),
              losses(Stacking.tempered(judged.before(), y, Stacking.folds(y, 5, 1)), y));
      double[] gains = new double[y.length];
      Arrays.setAll(gains, i -> before[i] - after[i]);
      return new Result(
          Optional.of(candidate.version()),
          report.remarks(),
          metrics(judged.before(), y, before),
          metrics(judged.after(), y, after),
          Gain.of(gains),
          probabilityBetter(gains, options.seed()),
          y.length,
          judge,
          report.start(),
          Optional.of(report));
    }
  }

  private static double[] less(double[] one, double[] other) {
    return Arrays.stream(other).sum() < Arrays.stream(one).sum() ? other : one;
  }

  private static Map<String, Double> metrics(double[][] probabilities, int[] y, double[] losses) {
    int labels = probabilities[0].length;
    int[] said = new int[y.length];
    for (int i = 0; i < said.length; i++) {
      for (int l = 1; l < labels; l++) {
        said[i] = probabilities[i][l] > probabilities[i][said[i]] ? l : said[i];
      }
    }
    Map<String, Double> out = new LinkedHashMap<>();
    out.put("accuracy", Metric.ACCURACY.of(y, said, labels));
    out.put("macro_f1", Metric.MACRO_F1.of(y, said, labels));
    out.put("log_loss", Arrays.stream(losses).average().orElse(0));
    return out;
  }

  private static double[] losses(double[][] probabilities, int[] y) {
    double least = Math.min(LEAST_PROBABILITY, 0.1 / probabilities[0].length);
    return IntStream.range(0, y.length)
        .mapToDouble(i -> -Math.log(Math.max(least, probabilities[i][y[i]])))
        .toArray();
  }

  /**
   * The share of resamples in which the challenger loses less than the champion; ties count half.
   *
   * @param gain [rows] the champion's loss less the challenger's
   */
  static double probabilityBetter(double[] gain, long seed) {
    Random random = new Random(seed);
    int rows = gain.length;
    double mean = Arrays.stream(gain).average().orElse(0);
    double widen = Math.sqrt(rows / Math.max(1.0, rows - 1)); // a small sample hides some spread
    double better = 0;
    for (int k = 0; k < RESAMPLES; k++) {
      double sum = 0;
      for (int i = 0; i < rows; i++) {
        sum += gain[random.nextInt(rows)];
      }
      double resampled = mean + widen * (sum / rows - mean);
      better += Math.abs(resampled) < 1e-9 ? 0.5 : resampled > 0 ? 1 : 0;
    }
    return better / RESAMPLES;
  }
}
