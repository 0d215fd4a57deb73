package io.hyperstream.model.training;

import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.prototype.FittedHead;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.prototype.Scope;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.training.FewShotCandidate.Report;
import io.hyperstream.model.training.FewShotTrainer.Method;
import io.hyperstream.model.training.FewShotTrainer.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * One task's usable examples, and what can be fitted to them: candidates, and for each example what
 * the same procedure makes of it without having learnt from it. One thread.
 */
final class FewShotRun {

  /** Whose label scores count. */
  enum Decoder {
    /** Of the start, which learnt nothing. */
    START,
    /** Stage 1. */
    EMBEDDING,
    /** Stages 1 and 2. */
    WEIGHTS;

    String key() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** How the two stages are tuned, and what takes part in the mixture. */
  record Tuning(DecoderTuner.Settings embedding, DecoderTuner.Settings weights, Set<Part> mixed) {
    static Tuning of(FewShotTrainer.Loss loss) {
      boolean tokens = loss == FewShotTrainer.Loss.LANGUAGE_MODEL;
      return new Tuning(
          DecoderTuner.Settings.embedding(tokens),
          DecoderTuner.Settings.weights(tokens),
          EnumSet.allOf(Part.class));
    }

    Tuning without(Set<Part> parts) {
      Set<Part> left = EnumSet.copyOf(mixed);
      left.removeAll(parts);
      return new Tuning(embedding, weights, left);
    }
  }

  /**
   * What a decoder with label vectors over its states makes of examples left out.
   *
   * @param logits [scorers][rows][labels], zero-shot first, then those of {@link HeadFit}
   * @param similarities [rows] to the rows learnt from, as {@link Scope} has it
   * @param fold [rows] which rows were left out together
   */
  record LeftOut(Decoder decoder, double[][][] logits, double[] similarities, int[] fold) {
    LeftOut(Decoder decoder, int scorers, int[] fold) {
      this(decoder, new double[scorers][fold.length][], new double[fold.length], fold);
    }
  }

  /**
   * A start, and what is left out under it.
   *
   * @param ofFold [folds] what is left out under the start that the other folds choose
   */
  private record Choice(String start, LeftOut leftOut, List<LeftOut> ofFold) {
    static Choice of(String start, LeftOut leftOut) {
      int folds = Arrays.stream(leftOut.fold()).max().orElse(0) + 1;
      return new Choice(start, leftOut, Collections.nCopies(folds, leftOut));
    }
  }

  private static final int FOLDS = 5;

  /**
   * Beyond so many examples times labels fewer folds do, and a start is chosen without fitting
   * label vectors under each candidate: both take time.
   */
  private static final int MANY = 10_000;

  private static final int FOLDS_OF_MANY = 3;

  /** Tuned decoders are judged on so few folds only: each is a training run. */
  private static final int TUNING_FOLDS = 2;

  private static final int LEAST_ROWS_TO_TUNE = 8;

  private final long begun = System.nanoTime();
  private final FewShotMemory memory;
  private final LabelledRows labelled;
  private final List<Example> examples;
  private final Tuning tuning;
  private final long seed;
  private final BooleanSupplier cancelled;
  private final int labels;
  private final List<RowInput> inputs;
  private final int[] y;
  private final int[] all;
  private final StartChoice startChoice;
  private final LexicalVector[] words;
  private final HeadFit heads;
  private final DecoderTuner tuner;
  private Choice chosen; // for the last candidate with label vectors

  /**
   * @param cancelled asked often; true ends whatever is going on with a CancellationException
   */
  FewShotRun(
      FewShotMemory memory,
      LabelledRows labelled,
      Tuning tuning,
      long seed,
      BooleanSupplier cancelled) {
    memory.begin();
    this.memory = memory;
    this.labelled = labelled;
    this.tuning = tuning;
    this.seed = seed;
    this.cancelled = cancelled;
    examples = labelled.examples();
    labels = memory.task().labels().size();
    FewShotModel model = memory.model();
    inputs = model.inputs(memory.task(), examples);
    y = labelled.answers(memory.task());
    all = IntStream.range(0, y.length).toArray();
    startChoice = new StartChoice(memory, examples, y, labels, this::stopIfCancelled);
    boolean pair = examples.stream().anyMatch(example -> example.textPair().isPresent());
    heads = new HeadFit(model.heads(), tuning.mixed(), labels, pair);
    words = examples.stream().map(memory::words).toArray(LexicalVector[]::new);
    tuner = new DecoderTuner(model, memory.task(), inputs, y, seed, () -> stopIfCancelled());
  }

  List<Example> examples() {
    return examples;
  }

  private void stopIfCancelled() {
    if (cancelled.getAsBoolean()) {
      throw new CancellationException("few-shot training was cancelled");
    }
  }

  /** How many parts can be left out in turn; fewer than 2 if there are too few examples. */
  int folds() {
    int[] count = new int[labels];
    for (int label : y) {
      count[label]++;
    }
    int[] present = Arrays.stream(count).filter(n -> n > 0).toArray();
    int least = Arrays.stream(present).min().orElse(0);
    int most = isMany() ? FOLDS_OF_MANY : FOLDS;
    return Math.min(most, Math.max(least, y.length >= 2 * present.length ? 2 : least));
  }

  private boolean isMany() {
    return (long) y.length * labels > MANY;
  }

  /**
   * Runs what {@link #train} and {@link #leftOut} run first: all that gradients have no part in.
   */
  void prepare(Optional<String> fixed) {
    if (fixed.isEmpty()) {
      // One example more may be enough to leave some out, and then every start is looked at.
      startChoice.firstRound();
    }
    boolean choose = choosesByLeftOut(fixed);
    Set<String> starts =
        new LinkedHashSet<>(choose ? startChoice.finalists(all) : List.of(start(fixed, all)));
    int folds = folds();
    if (folds >= 2) {
      int[] fold = Stacking.folds(y, folds, seed);
      for (int k = 0; k < folds; k++) {
        int[] learn = others(fold, k);
        starts.addAll(choose ? startChoice.finalists(learn) : List.of(start(fixed, learn)));
      }
    }
    memory.run(starts, examples, this::stopIfCancelled);
  }

  private String start(Optional<String> fixed, int[] learn) {
    if (fixed.isEmpty() && folds() < 2 && memory.starts().contains(FewShotModel.BARE)) {
      return FewShotModel.BARE; // too few examples to tell whose adapters suit the task
    }
    return fixed.orElseGet(() -> startChoice.best(learn));
  }

  /** The start to tune from: one that has an embedding. */
  private String tunedStart(Optional<String> fixed, int[] learn) {
    List<String> starts = memory.starts().stream().filter(this::isTunable).toList();
    if (starts.isEmpty()) {
      throw new IllegalArgumentException(
          "this model has no hypernetwork: a task embedding cannot be adapted");
    }
    return fixed
        .or(() -> Optional.of(startChoice.best(learn)))
        .filter(this::isTunable)
        .orElseGet(() -> startChoice.best(starts, learn));
  }

  private boolean isTunable(String start) {
    return memory.embedding(start).length > 0;
  }

  /**
   * Trains a candidate.
   *
   * @param tuneWeights whether {@code AUTO} may tune adapter weights
   * @param fixed the start; empty: to be chosen
   */
  FewShotCandidate train(Method method, boolean tuneWeights, Optional<String> fixed) {
    return switch (method) {
      case ZERO_SHOT -> decoderOnly(start(fixed, all), Decoder.START);
      case EMBEDDING -> decoderOnly(tunedStart(fixed, all), Decoder.EMBEDDING);
      case WEIGHTS -> decoderOnly(tunedStart(fixed, all), Decoder.WEIGHTS);
      case PROTOTYPES -> mixed(choice(fixed));
      case AUTO -> mixed(best(choice(fixed), fixed, tuneWeights));
    };
  }

  private boolean choosesByLeftOut(Optional<String> fixed) {
    return fixed.isEmpty()
        && memory.keepsVectors()
        && memory.starts().size() > 1
        && folds() >= 2
        && !isMany();
  }

  /** The start whose decoder and label vectors together explain left-out examples best. */
  private Choice choice(Optional<String> fixed) {
    if (!choosesByLeftOut(fixed)) {
      String start = start(fixed, all);
      return Choice.of(start, untuned(start, fixed, folds()));
    }
    int folds = folds();
    int[] fold = Stacking.folds(y, folds, seed);
    Map<String, LeftOut> known = new HashMap<>();
    List<LeftOut> ofFold = new ArrayList<>();
    for (int k = 0; k < folds; k++) {
      int[] learn = others(fold, k);
      ofFold.add(known.get(least(startChoice.finalists(learn), learn, known)));
    }
    String best = least(startChoice.finalists(all), all, known);
    return new Choice(best, known.get(best), ofFold);
  }

  /** Of some starts that with the least left-out loss on some rows. */
  private String least(List<String> starts, int[] of, Map<String, LeftOut> known) {
    Map<String, Double> losses = new HashMap<>();
    for (String start : starts) {
      LeftOut leftOut = known.computeIfAbsent(start, s -> untuned(s, Optional.of(s), folds()));
      losses.put(start, loss(leftOut, of));
    }
    return Collections.min(starts, Comparator.comparing(losses::get));
  }

  private FewShotCandidate decoderOnly(String start, Decoder decoder) {
    float[] embedding = adapted(start, decoder, all);
    AdapterWeights weights = weights(embedding, decoder, all);
    Report report = report(start, decoder, new double[] {1, 0, 0}, Double.NaN);
    return new FewShotCandidate(memory, embedding, weights, Optional.empty(), report);
  }

  /** Label vectors beside a decoder, the weights fitted on left-out examples. */
  private FewShotCandidate mixed(Choice choice) {
    chosen = choice;
    String start = choice.start();
    LeftOut leftOut = choice.leftOut();
    boolean blind = folds() < 2;
    double[] about = heads.start(leftOut.logits());
    double[] weights = blind ? about : Stacking.fit(leftOut.logits(), y, about);
    for (int scorer = 0; scorer < weights.length; scorer++) {
      weights[scorer] = heads.counts(scorer) ? weights[scorer] : 0;
    }
    double loss = blind ? Double.NaN : Stacking.logLoss(leftOut.logits(), y, weights);
    float[] embedding = adapted(start, leftOut.decoder(), all);
    AdapterWeights adapters = weights(embedding, leftOut.decoder(), all);
    FewShotModel.Outputs outputs =
        leftOut.decoder() == Decoder.START
            ? memory.outputs(start, examples)
            : memory.model().run(adapters, inputs, Optional.empty());
    LabelHead head =
        heads
            .fit(outputs.features(), words, y, all)
            .labelHead(
                memory.task().labels().stream().map(Label::name).toList(),
                weights,
                blind ? Optional.empty() : Scope.of(leftOut.similarities()));
    Report report = report(start, leftOut.decoder(), weights, loss);
    return new FewShotCandidate(memory, embedding, adapters, Optional.of(head), report);
  }

  private float[] adapted(String start, Decoder decoder, int[] learn) {
    float[] embedding = memory.embedding(start);
    return decoder == Decoder.START
        ? embedding
        : tuner.embedding(embedding, learn, tuning.embedding());
  }

  /** To be closed by the caller. */
  private AdapterWeights weights(float[] embedding, Decoder decoder, int[] learn) {
    AdapterWeights generated = memory.model().weights(List.of(AdapterForm.of(embedding))).get(0);
    if (decoder != Decoder.WEIGHTS) {
      return generated;
    }
    try (generated) {
      return tuner.weights(generated, learn, tuning.weights());
    }
  }

  /** The same for the procedure that made the last candidate. */
  Optional<double[][]> leftOut(FewShotCandidate candidate, Optional<String> fixed) {
    return candidate.hasVectors() && folds() >= 2
        ? Optional.of(crossFit(chosen.ofFold()))
        : leftOut(candidate.decoder(), candidate.hasVectors(), fixed);
  }

  /**
   * The probabilities of each example by what was learnt without it.
   *
   * @param ofFold [folds] all over the same folds
   */
  private double[][] crossFit(List<LeftOut> ofFold) {
    int[] fold = ofFold.get(0).fold();
    Map<LeftOut, double[][]> fitted = new HashMap<>();
    double[][] out = new double[y.length][];
    for (int i : all) {
      out[i] =
          fitted
              .computeIfAbsent(
                  ofFold.get(fold[i]), of -> Stacking.crossFit(of.logits(), y, fold, heads::start))[
              i];
    }
    return out;
  }

  /**
   * The probabilities of each example by what a procedure learns without it.
   *
   * @param vectors whether label vectors stand beside the decoder
   * @param fixed the start; empty: chosen anew each time
   * @return [rows][labels]; empty if nothing can be left out
   */
  Optional<double[][]> leftOut(Decoder decoder, boolean vectors, Optional<String> fixed) {
    if (folds() < 2) {
      return Optional.empty();
    }
    LeftOut leftOut =
        decoder == Decoder.START
            ? untuned(null, fixed, folds())
            : tuned(List.of(decoder), fixed).get(decoder);
    return Optional.of(
        vectors
            ? Stacking.crossFit(leftOut.logits(), y, leftOut.fold(), heads::start)
            : Arrays.stream(leftOut.logits()[0]).map(Stacking::softmax).toArray(double[][]::new));
  }

  /** Of a start's decoder: only its choice and the label vectors leave rows out. */
  private LeftOut untuned(String onAll, Optional<String> fixed, int folds) {
    int[] fold = folds < 2 ? new int[y.length] : Stacking.folds(y, folds, seed);
    LeftOut out = new LeftOut(Decoder.START, 1 + heads.scorers(), fold);
    if (folds < 2) { // one example of a label: nothing can be left out
      leaveOut(memory.outputs(onAll, examples), all, all, out);
      return out;
    }
    for (int k = 0; k < folds; k++) {
      stopIfCancelled();
      int[] learn = others(fold, k);
      String start = start(fixed, learn);
      leaveOut(memory.outputs(start, examples), learn, members(fold, k), out);
    }
    return out;
  }

  /** Logits and similarities of rows by label vectors of other rows, and zero-shot logits. */
  private void leaveOut(FewShotModel.Outputs outputs, int[] learn, int[] check, LeftOut out) {
    float[][] features = outputs.features();
    FittedHead fitted = heads.fit(features, words, y, learn);
    for (int i : check) {
      double[][] ofHead = fitted.logits(features[i], words[i]);
      out.similarities()[i] = fitted.similarity(features[i]);
      for (int scorer = 0; scorer < out.logits().length; scorer++) {
        double[] logits = scorer == 0 ? outputs.scores()[i] : ofHead[scorer - 1];
        out.logits()[scorer][i] =
            heads.counts(scorer) ? logits : new double[labels]; // says nothing
      }
    }
  }

  private int[] others(int[] fold, int k) {
    return IntStream.of(all).filter(i -> fold[i] != k).toArray();
  }

  private int[] members(int[] fold, int k) {
    return IntStream.of(all).filter(i -> fold[i] == k).toArray();
  }

  /** The start, unless a tuned decoder with its vectors is better over the same folds. */
  private Choice best(Choice untuned, Optional<String> fixed, boolean tuneWeights) {
    String start = untuned.start();
    if (!worthTuning(start)) {
      return untuned;
    }
    LeftOut sameFolds = untuned(start, fixed, TUNING_FOLDS);
    Choice best = untuned;
    double least = loss(sameFolds, all);
    List<Decoder> decoders =
        tuneWeights ? List.of(Decoder.EMBEDDING, Decoder.WEIGHTS) : List.of(Decoder.EMBEDDING);
    for (LeftOut one : tuned(decoders, fixed, sameFolds).values()) {
      double loss = loss(one, all);
      if (loss < least) {
        least = loss;
        best = Choice.of(start, one);
      }
    }
    return best;
  }

  /** Gradients help where the decoder knows something of the task, not where it guesses. */
  private boolean worthTuning(String start) {
    if (memory.keepsVectors()) {
      return false; // gradients through an encoder take minutes, choosing a start takes seconds
    }
    double[][][] alone = {memory.outputs(start, examples).scores()};
    return isTunable(start)
        && y.length >= LEAST_ROWS_TO_TUNE
        && folds() >= 2
        && Stacking.logLoss(alone, y, new double[] {1}) < Math.log(labels);
  }

  private double loss(LeftOut leftOut, int[] of) {
    double[][][] logits = Stacking.rows(leftOut.logits(), of);
    int[] answers = IntStream.of(of).map(i -> y[i]).toArray();
    return Stacking.logLoss(logits, answers, Stacking.fit(logits, answers, heads.start(logits)));
  }

  private Map<Decoder, LeftOut> tuned(List<Decoder> decoders, Optional<String> fixed) {
    return tuned(decoders, fixed, null);
  }

  /**
   * Tuned decoders over their few folds.
   *
   * @param rival if there is one, a decoder is given up that does not beat it on the first fold
   */
  private Map<Decoder, LeftOut> tuned(
      List<Decoder> decoders, Optional<String> fixed, LeftOut rival) {
    int[] fold = Stacking.folds(y, TUNING_FOLDS, seed);
    Map<Decoder, LeftOut> out = new EnumMap<>(Decoder.class);
    decoders.forEach(d -> out.put(d, new LeftOut(d, 1 + heads.scorers(), fold)));
    for (int k = 0; k < TUNING_FOLDS && !out.isEmpty(); k++) {
      int[] learn = others(fold, k);
      int[] check = members(fold, k);
      float[] embedding =
          tuner.embedding(memory.embedding(tunedStart(fixed, learn)), learn, tuning.embedding());
      for (Decoder decoder : List.copyOf(out.keySet())) {
        LeftOut one = out.get(decoder);
        try (AdapterWeights weights = weights(embedding, decoder, learn)) {
          FewShotModel.Outputs outputs =
              memory.model().run(weights, inputs, Optional.of(memory.task()));
          leaveOut(outputs, learn, check, one);
        }
        if (k == 0 && rival != null && loss(one, check) >= loss(rival, check)) {
          out.remove(decoder);
          if (decoder == Decoder.EMBEDDING) {
            out.clear(); // weights are tuned from there: not worth the wait
            break;
          }
        }
      }
    }
    return out;
  }

  private Report report(String start, Decoder decoder, double[] weights, double loss) {
    return new Report(
        start,
        labelled.examples().size(),
        labelled.duplicates(),
        labelled.contradictions(),
        labelled.unknownLabels(),
        labelled.perLabel(),
        labelled.missingLabels(),
        decoder.key(),
        weights[0],
        weights[1],
        weights[weights.length - 1],
        loss,
        (System.nanoTime() - begun) / 1e9 + memory.sparedSeconds());
  }
}
