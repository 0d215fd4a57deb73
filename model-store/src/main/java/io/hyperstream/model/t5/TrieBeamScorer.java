package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.readout.ReadoutOptions;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;

/**
 * Beam search over the label trie, for label sets too large to score in full: per level the best
 * prefixes are kept, and only labels below them get a score. Opt-in, and flagged on the prediction:
 * labels that were cut off have probability 0.
 *
 * <p>For the one thread that runs batches.
 */
final class TrieBeamScorer {
  /** Decoder positions computed in one pass. */
  private static final int MAX_POSITIONS = 4096;

  /** Below the best label's score by this much: less than a probability near 1 can show. */
  private static final double HOPELESS = 40;

  /**
   * A prefix of labels.
   *
   * @param slot its place among its row's nodes
   * @param ancestors the slots before it, root first
   * @param from the labels that start with it: a range of the sorted ones
   */
  private record Prefix(int slot, int[] ancestors, int token, int from, int to, double score) {
    int depth() {
      return ancestors.length;
    }
  }

  /** A token that continues a prefix, and the labels it leads to. */
  private record Continuation(int token, int from, int to) {}

  /** A row's search: the prefixes kept on this level and the labels that are complete. */
  private final class Search {
    final int row;
    final LabelSpace space;
    final int[] order; // labels sorted by their tokens: a prefix is a range of them
    final double[] scores;
    double best = Double.NEGATIVE_INFINITY;
    List<Prefix> frontier;

    Search(int row, LabelSpace space) {
      this.row = row;
      this.space = space;
      this.order = sorted(space);
      scores = new double[space.size()];
      Arrays.fill(scores, Double.NEGATIVE_INFINITY);
      int start = t5.config().decoderStartId();
      frontier = List.of(new Prefix(0, new int[0], start, 0, order.length, 0));
    }

    List<Continuation> continuations(Prefix prefix) {
      List<Continuation> next = new ArrayList<>();
      int from = prefix.from();
      while (from < prefix.to()) {
        int token = space.ids(order[from])[prefix.depth()];
        int to = from + 1;
        while (to < prefix.to() && space.ids(order[to])[prefix.depth()] == token) {
          to++;
        }
        next.add(new Continuation(token, from, to));
        from = to;
      }
      return next;
    }

    /**
     * Scores what follows the frontier and keeps the best prefixes.
     *
     * @param logP log-probabilities of the frontier's continuations, in their order
     * @param firstSlot of the next level's nodes
     */
    void advance(Iterator<Float> logP, int firstSlot) {
      List<Prefix> candidates = new ArrayList<>();
      for (Prefix prefix : frontier) {
        int[] ancestors = Arrays.copyOf(prefix.ancestors(), prefix.depth() + 1);
        ancestors[prefix.depth()] = prefix.slot();
        for (Continuation next : continuations(prefix)) {
          double score = prefix.score() + logP.next();
          int label = order[next.from()];
          if (space.ids(label).length == prefix.depth() + 1) { // the end token completes one label
            scores[label] = score;
            best = Math.max(best, score);
          } else {
            candidates.add(new Prefix(-1, ancestors, next.token(), next.from(), next.to(), score));
          }
        }
      }
      candidates.sort(Comparator.comparingDouble(Prefix::score).reversed());
      frontier = new ArrayList<>();
      for (Prefix kept : candidates.subList(0, Math.min(beams, candidates.size()))) {
        if (kept.score() > best - HOPELESS) {
          frontier.add(
              new Prefix(
                  firstSlot + frontier.size(),
                  kept.ancestors(),
                  kept.token(),
                  kept.from(),
                  kept.to(),
                  kept.score()));
        }
      }
    }
  }

  private final T5 t5;
  private final LabelSpaces spaces;
  private final int beams;
  private final long maxLogitsBytes;

  TrieBeamScorer(T5 t5, LabelSpaces spaces, ReadoutOptions options) {
    this.t5 = t5;
    this.spaces = spaces;
    this.beams = options.trieBeams();
    this.maxLogitsBytes = options.maxLogitsBytes();
  }

  /**
   * Scores the best labels of all rows.
   *
   * @param tasks [rows]
   * @param states the rows' encoder states, no keys and values yet
   * @param adapters of the rows
   * @return [rows][labels] log-probabilities; minus infinity where a label was cut off
   */
  double[][] score(List<TaskDefinition> tasks, CrossMemory states, AdapterHook adapters) {
    double[][] scores = new double[tasks.size()][];
    int step = Math.max(1, MAX_POSITIONS / beams);
    for (int from = 0; from < scores.length; from += step) {
      int to = Math.min(scores.length, from + step);
      List<Search> searches = new ArrayList<>();
      for (int i = from; i < to; i++) {
        searches.add(new Search(i - from, spaces.of(tasks.get(i))));
      }
      try (AdapterHook part = adapters.slice(from, to)) {
        search(states.slice(from, to), part, searches);
      }
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

  /** Level by level, all rows together; a level's nodes are decoded once. */
  private void search(CrossMemory states, AdapterHook adapters, List<Search> searches) {
    CrossMemory memory = states;
    if (3 * beams > t5.fewPositions(memory.sourceLength())) { // labels have a few tokens
      memory = t5.attendTo(memory);
    }
    int[] depths = {};
    try (KeyValueCache cache = t5.newCache()) {
      for (int width = 1; width > 0; width = width(searches)) {
        int before = depths.length;
        depths = Arrays.copyOf(depths, before + width);
        Arrays.fill(depths, before, depths.length, before == 0 ? 0 : depths[before - 1] + 1);
        try (NDScope scope = Ops.scope()) {
          scope.suppressNotUsedWarning();
          NDArray seen = seen(searches, width, depths.length);
          NDArray hidden =
              t5.extend(ids(searches, width), depths, seen, cache, memory, adapters); // [B, M, d]
          Iterator<Float> logP = logProbabilities(searches, hidden, width).iterator();
          for (Search search : searches) {
            search.advance(logP, depths.length);
          }
        }
      }
    }
  }

  /** Nodes of the next level: the widest frontier. */
  private static int width(List<Search> searches) {
    return searches.stream().mapToInt(search -> search.frontier.size()).max().orElse(0);
  }

  /** [B, M]. */
  private NDArray ids(List<Search> searches, int width) {
    long[] ids = new long[searches.size() * width];
    Arrays.fill(ids, t5.config().padId());
    for (Search search : searches) {
      for (int i = 0; i < search.frontier.size(); i++) {
        ids[search.row * width + i] = search.frontier.get(i).token();
      }
    }
    return t5.manager().create(ids, new Shape(searches.size(), width));
  }

  /** [B, 1, M, N]: a node sees its ancestors and itself. */
  private NDArray seen(List<Search> searches, int width, int nodes) {
    float[] seen = new float[searches.size() * width * nodes];
    Arrays.fill(seen, T5.UNSEEN);
    for (Search search : searches) {
      for (int i = 0; i < width; i++) {
        int at = (search.row * width + i) * nodes;
        seen[at + nodes - width + i] = 0;
        if (i < search.frontier.size()) {
          for (int ancestor : search.frontier.get(i).ancestors()) {
            seen[at + ancestor] = 0;
          }
        }
      }
    }
    return t5.manager().create(seen, new Shape(searches.size(), 1, width, nodes));
  }

  /** Of all frontiers' continuations, in order. */
  private List<Float> logProbabilities(List<Search> searches, NDArray hidden, int width) {
    List<Long> rows = new ArrayList<>();
    List<long[]> tokens = new ArrayList<>(); // by row
    for (Search search : searches) {
      for (int i = 0; i < search.frontier.size(); i++) {
        rows.add((long) search.row * width + i);
        tokens.add(
            search.continuations(search.frontier.get(i)).stream()
                .mapToLong(Continuation::token)
                .toArray());
      }
    }
    NDArray flat = hidden.reshape((long) searches.size() * width, hidden.getShape().get(2));
    List<Float> out = new ArrayList<>();
    int step = VocabularyScores.positionsAtOnce(t5, maxLogitsBytes);
    for (int from = 0; from < rows.size(); from += step) {
      int to = Math.min(rows.size(), from + step);
      long[] some = rows.subList(from, to).stream().mapToLong(Long::longValue).toArray();
      for (float value : VocabularyScores.of(t5, flat, some, tokens.subList(from, to))) {
        out.add(value);
      }
    }
    return out;
  }
}
