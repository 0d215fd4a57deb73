package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Beam search with the reference's bookkeeping, so that ties and ends fall as they do there. */
final class BeamSearch {
  /** All beams of a row start equal: only the first may be extended, or they would stay equal. */
  private static final float NOT_YET = -1e9f;

  private record Hypothesis(int[] tokens, double sum, double score) {}

  /** The finished hypotheses of one row, at most as many as beams. */
  private static final class Finished {
    private final GenerationOptions options;
    private final List<Hypothesis> hypotheses = new ArrayList<>();
    private double worst = 1e9;

    Finished(GenerationOptions options) {
      this.options = options;
    }

    /** The length that counts is without the end token. */
    void add(int[] tokens, int length, double sum) {
      double score = sum / Math.pow(length, options.lengthPenalty());
      if (hypotheses.size() < options.beams() || score > worst) {
        hypotheses.add(new Hypothesis(tokens, sum, score));
        if (hypotheses.size() > options.beams()) {
          List<Hypothesis> sorted = new ArrayList<>(hypotheses);
          sorted.sort(Comparator.comparingDouble(Hypothesis::score));
          hypotheses.remove(sorted.get(0));
          worst = sorted.get(1).score();
        } else {
          worst = Math.min(score, worst);
        }
      }
    }

    boolean isDone(double bestSum, int length) {
      if (hypotheses.size() < options.beams()) {
        return false;
      }
      return options.earlyStopping()
          || worst >= bestSum / Math.pow(length, options.lengthPenalty());
    }

    Hypothesis best() {
      List<Hypothesis> sorted = new ArrayList<>(hypotheses);
      sorted.sort(Comparator.comparingDouble(Hypothesis::score));
      return sorted.get(sorted.size() - 1);
    }
  }

  private final T5 model;
  private final T5Config config;
  private final GenerationOptions options;
  private final int rows;
  private final int beams;
  private final Finished[] finished;
  private final boolean[] done;
  private int[][] tokens; // [rows * beams][position]
  private float[] sums; // [rows * beams]
  private final int[] cameFrom; // the beam each beam continues

  private BeamSearch(T5 model, int rows, GenerationOptions options) {
    this.model = model;
    this.config = model.config();
    this.options = options;
    this.rows = rows;
    beams = options.beams();
    finished = new Finished[rows];
    done = new boolean[rows];
    tokens = new int[rows * beams][];
    sums = new float[rows * beams];
    cameFrom = new int[rows * beams];
    for (int row = 0; row < rows; row++) {
      finished[row] = new Finished(options);
      for (int beam = 0; beam < beams; beam++) {
        tokens[row * beams + beam] = new int[] {config.decoderStartId()};
        sums[row * beams + beam] = beam == 0 ? 0 : NOT_YET;
      }
    }
  }

  static List<Generated> run(
      T5 model, CrossMemory memory, AdapterHook adapters, GenerationOptions options) {
    if (2 * options.beams() > model.config().vocabSize()) {
      throw new IllegalArgumentException(
          options.beams() + " beams need a vocabulary of at least twice as many");
    }
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      BeamSearch search = new BeamSearch(model, memory.rows(), options);
      return search.run(memory, adapters);
    }
  }

  private List<Generated> run(CrossMemory memory, AdapterHook adapters) {
    int[] repeated = new int[rows * beams];
    for (int i = 0; i < repeated.length; i++) {
      repeated[i] = i / beams;
    }
    CrossMemory beamMemory = memory.select(repeated);
    AdapterHook beamAdapters = adapters.expand(beams);
    try (KeyValueCache cache = model.newCache()) {
      for (int length = 1; length < options.maxLength() && !allDone(); length++) {
        try (NDScope step = Ops.scope()) {
          step.suppressNotUsedWarning();
          extend(length, cache, beamMemory, beamAdapters);
        }
      }
    }
    return best();
  }

  private boolean allDone() {
    for (boolean d : done) {
      if (!d) {
        return false;
      }
    }
    return true;
  }

  /** One step: the 2 * beams best continuations of each row; those that end are set aside. */
  private void extend(int length, KeyValueCache cache, CrossMemory memory, AdapterHook adapters) {
    int vocabulary = config.vocabSize();
    int[] last = new int[tokens.length];
    for (int i = 0; i < last.length; i++) {
      last[i] = tokens[i][length - 1];
    }
    NDArray ids = Indices.column(model.manager(), last);
    NDArray hidden = Ops.select(model.step(ids, cache, memory, adapters), 1, 0); // [rows*beams, d]
    NDArray scores = Ops.logSoftmax(model.logits(hidden)); // [rows*beams, V]
    scores = Ops.addInPlace(scores, model.manager().create(sums, new Shape(sums.length, 1)));
    NDList top = Ops.topK(scores.reshape(rows, (long) beams * vocabulary), 2 * beams);
    float[] topScores = top.get(0).toFloatArray();
    long[] topIndices = top.get(1).toLongArray();

    int[][] nextTokens = new int[tokens.length][];
    float[] nextSums = new float[sums.length];
    for (int row = 0; row < rows; row++) {
      if (done[row]) {
        for (int beam = row * beams; beam < (row + 1) * beams; beam++) {
          cameFrom[beam] = row * beams;
          nextTokens[beam] = append(tokens[row * beams], config.padId());
        }
        continue;
      }
      int filled = 0;
      for (int rank = 0; rank < 2 * beams && filled < beams; rank++) {
        int at = row * 2 * beams + rank;
        int from = row * beams + (int) (topIndices[at] / vocabulary);
        int token = (int) (topIndices[at] % vocabulary);
        if (token == config.eosId()) {
          if (rank < beams) { // an end below the beams' own rank does not count
            int[] whole = append(tokens[from], token);
            finished[row].add(whole, length, topScores[at]);
          }
        } else {
          int beam = row * beams + filled++;
          cameFrom[beam] = from;
          nextTokens[beam] = append(tokens[from], token);
          nextSums[beam] = topScores[at];
        }
      }
      done[row] = finished[row].isDone(topScores[row * 2 * beams], length);
    }
    tokens = nextTokens;
    sums = nextSums;
    cache.reorder(cameFrom, rows * beams);
  }

  private static int[] append(int[] tokens, int token) {
    int[] out = Arrays.copyOf(tokens, tokens.length + 1);
    out[tokens.length] = token;
    return out;
  }

  private List<Generated> best() {
    List<Generated> out = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      if (!done[row]) {
        for (int beam = row * beams; beam < (row + 1) * beams; beam++) {
          finished[row].add(tokens[beam], tokens[beam].length, sums[beam]);
        }
      }
      Hypothesis best = finished[row].best();
      out.add(new Generated(best.tokens(), best.sum()));
    }
    return out;
  }
}
