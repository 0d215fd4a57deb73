package io.hyperstream.model.inference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.t5.DecoderLayout;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.task.LabelSpace;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Beam search over the label trie, for label sets too large to score in full: per level the best
 * prefixes are kept, and only labels below them get a score. Opt-in, and flagged on the prediction:
 * labels that were cut off have probability 0.
 *
 * <p>For the one thread that runs batches.
 */
final class TrieBeamScorer {
  /** Decoder positions computed in one pass. */
  private static final int MAX_POSITIONS = 8192;

  /** A prefix of labels that has been decoded, or is about to be. */
  private record Prefix(int parent, int token, int from, int to, int depth, double score) {}

  /** A row's search: the prefixes kept so far and the labels that are complete. */
  private final class Search {
    final int row;
    final LabelSpace space;
    final int[] order; // labels sorted by their tokens: a prefix is a range of them
    final double[] scores;
    final List<Prefix> prefixes = new ArrayList<>();
    List<Integer> frontier = new ArrayList<>();

    Search(int row, LabelSpace space, int[] order) {
      this.row = row;
      this.space = space;
      this.order = order;
      scores = new double[space.size()];
      Arrays.fill(scores, Double.NEGATIVE_INFINITY);
      prefixes.add(new Prefix(-1, t5.config().decoderStartId(), 0, order.length, 0, 0));
      frontier.add(0);
    }

    /** Tokens that continue a prefix, with the range of labels each leads to. */
    Map<Integer, int[]> continuations(Prefix prefix) {
      Map<Integer, int[]> next = new TreeMap<>();
      for (int i = prefix.from(); i < prefix.to(); i++) {
        int token = space.ids(order[i])[prefix.depth()];
        int index = i;
        next.merge(token, new int[] {i, i + 1}, (old, one) -> new int[] {old[0], index + 1});
      }
      return next;
    }

    /** Scores what follows the frontier and keeps the best prefixes. */
    void advance(Map<Integer, Map<Integer, Double>> logProbabilities) {
      List<Prefix> candidates = new ArrayList<>();
      for (int node : frontier) {
        Prefix prefix = prefixes.get(node);
        continuations(prefix)
            .forEach(
                (token, range) -> {
                  double score = prefix.score() + logProbabilities.get(node).get(token);
                  int[] ids = space.ids(order[range[0]]);
                  if (ids.length == prefix.depth() + 1) { // the end token completes one label
                    scores[order[range[0]]] = score;
                  } else {
                    candidates.add(
                        new Prefix(node, token, range[0], range[1], prefix.depth() + 1, score));
                  }
                });
      }
      candidates.sort(Comparator.comparingDouble(Prefix::score).reversed());
      frontier = new ArrayList<>();
      for (Prefix kept : candidates.subList(0, Math.min(beams, candidates.size()))) {
        frontier.add(prefixes.size());
        prefixes.add(kept);
      }
    }
  }

  private final T5 t5;
  private final LabelSpaces spaces;
  private final int beams;
  private final long maxLogitsBytes;

  TrieBeamScorer(T5 t5, LabelSpaces spaces, ModelOptions options) {
    this.t5 = t5;
    this.spaces = spaces;
    this.beams = options.trieBeams();
    this.maxLogitsBytes = options.maxLogitsBytes();
  }

  /**
   * Scores the best labels of all rows.
   *
   * @return [rows][labels] log-probabilities; minus infinity where a label was cut off
   */
  double[][] score(EncodedRows batch) {
    double[][] scores = new double[batch.rows().size()][];
    int longest = 1 + beams * (LabelSpace.MAX_LABEL_TOKENS - 1);
    // A position bias between the stacks depends on a tree's depths: then one tree per pass.
    int step = t5.config().crossBias() ? 1 : Math.max(1, MAX_POSITIONS / longest);
    for (int from = 0; from < scores.length; from += step) {
      EncodedRows part = batch.slice(from, Math.min(scores.length, from + step));
      List<Search> searches = new ArrayList<>();
      for (int i = 0; i < part.rows().size(); i++) {
        LabelSpace space = spaces.of(part.rows().get(i).row().task());
        searches.add(new Search(i, space, sorted(space)));
      }
      search(part, searches);
      for (Search search : searches) {
        scores[from + search.row] = search.scores;
      }
    }
    return scores;
  }

  private static int[] sorted(LabelSpace space) {
    Integer[] order = new Integer[space.size()];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Arrays.compare(space.ids(a), space.ids(b)));
    return Arrays.stream(order).mapToInt(Integer::intValue).toArray();
  }

  /** Level by level; each decodes the kept trees anew, which are small. */
  private void search(EncodedRows batch, List<Search> searches) {
    while (searches.stream().anyMatch(search -> !search.frontier.isEmpty())) {
      try (NDScope scope = Ops.scope();
          BatchAdapters adapters = batch.adapters()) {
        scope.suppressNotUsedWarning();
        int size = searches.stream().mapToInt(search -> search.prefixes.size()).max().orElseThrow();
        long[] ids = new long[searches.size() * size];
        Arrays.fill(ids, t5.config().padId());
        List<DecoderLayout> trees = new ArrayList<>();
        for (Search search : searches) {
          int[] parents = new int[size];
          Arrays.fill(parents, -1);
          for (int n = 0; n < search.prefixes.size(); n++) {
            parents[n] = search.prefixes.get(n).parent();
            ids[search.row * size + n] = search.prefixes.get(n).token();
          }
          trees.add(t5.tree(parents));
        }
        NDArray bias = Ops.concat(trees.stream().map(DecoderLayout::selfBias).toList(), 0);
        DecoderLayout layout = new DecoderLayout(trees.get(0).depth(), bias);
        NDArray input = t5.manager().create(ids, new Shape(searches.size(), size));
        NDArray hidden = t5.decode(input, layout, batch.memory(), adapters); // [B, N, d]
        NDArray flat = hidden.reshape((long) searches.size() * size, hidden.getShape().get(2));
        for (Search search : searches) {
          if (!search.frontier.isEmpty()) {
            search.advance(logProbabilities(search, flat, size));
          }
        }
      }
    }
  }

  /** Frontier node, then token, to log-probability. */
  private Map<Integer, Map<Integer, Double>> logProbabilities(
      Search search, NDArray flat, int size) {
    Map<Integer, Map<Integer, Double>> out = new TreeMap<>();
    int vocabulary = t5.config().vocabSize();
    int step = (int) Math.max(1, maxLogitsBytes / Float.BYTES / vocabulary);
    for (int from = 0; from < search.frontier.size(); from += step) {
      List<Integer> nodes =
          search.frontier.subList(from, Math.min(search.frontier.size(), from + step));
      try (NDScope scope = Ops.scope()) {
        scope.suppressNotUsedWarning();
        long[] rows = nodes.stream().mapToLong(n -> (long) search.row * size + n).toArray();
        NDArray some = Ops.gatherRows(flat, t5.manager().create(rows));
        float[] values = Ops.logSoftmax(t5.logits(some)).toFloatArray(); // [M V]
        for (int i = 0; i < nodes.size(); i++) {
          Map<Integer, Double> ofNode = new TreeMap<>();
          for (int token : search.continuations(search.prefixes.get(nodes.get(i))).keySet()) {
            ofNode.put(token, (double) values[i * vocabulary + token]);
          }
          out.put(nodes.get(i), ofNode);
        }
      }
    }
    return out;
  }
}
