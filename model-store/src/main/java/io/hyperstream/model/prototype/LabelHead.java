package io.hyperstream.model.prototype;

import io.hyperstream.model.task.Label;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * What few-shot adaptation learns beside zero-shot scores: label vectors over a text's vector and
 * over lexical features, and how much each of the three scorers counts. Numbers are rounded to half
 * precision when it is made, so that what was judged is what travels and is served. Immutable, any
 * thread.
 */
public final class LabelHead {

  /**
   * The vectors of one label.
   *
   * @param states [d] over centred states; not to be changed
   * @param places which lexical features have a weight, ascending; not to be changed
   * @param words [places] their weights; not to be changed
   */
  public record LabelVectors(
      String label, float[] states, float stateBias, int[] places, float[] words, float wordBias) {

    public LabelVectors {
      if (label == null || label.isBlank()) {
        throw new IllegalArgumentException("label vectors need a label; got '" + label + "'");
      }
      if (places.length != words.length) {
        throw new IllegalArgumentException(
            "label '%s' has %d word places and %d word weights; there must be as many"
                .formatted(label, places.length, words.length));
      }
      for (int i = 0; i < places.length; i++) {
        if (places[i] <= (i == 0 ? -1 : places[i - 1]) || places[i] >= LexicalVector.WIDTH) {
          throw new IllegalArgumentException(
              "label '%s': word places must ascend within 0 to %d; place %d is %d"
                  .formatted(label, LexicalVector.WIDTH - 1, i, places[i]));
        }
      }
      states = rounded("states of label '" + label + "'", states);
      words = rounded("words of label '" + label + "'", words);
      stateBias = rounded("the state bias of label '" + label + "'", new float[] {stateBias})[0];
      wordBias = rounded("the word bias of label '" + label + "'", new float[] {wordBias})[0];
      places = places.clone();
    }
  }

  /** Word weights that together hold less than this share of the squared length are left out. */
  private static final double NEGLIGIBLE = 0.01;

  private final float[] center;
  private final List<LabelVectors> vectors;
  private final boolean unitStates;
  private final double decoderWeight;
  private final double stateWeight;
  private final double wordWeight;
  private final Optional<Scope> scope;
  private final Map<String, Integer> byName = new HashMap<>(); // places in vectors
  private Words words; // made when first used; threads that race make equal ones

  /**
   * @param center [d] the mean of the examples' pooled states; not to be changed
   * @param vectors one per label that had an example
   * @param unitStates whether a centred state is scaled to length 1
   * @param decoderWeight what the zero-shot log-scores count; 0 if any finite ones will do
   * @param stateWeight what vectors over encoder states count
   * @param wordWeight what vectors over lexical features count
   * @param scope what texts of the task are like, if that is known
   * @throws IllegalArgumentException if sizes do not agree, a label comes twice, or a number is not
   *     finite in half precision
   */
  public LabelHead(
      float[] center,
      List<LabelVectors> vectors,
      boolean unitStates,
      double decoderWeight,
      double stateWeight,
      double wordWeight,
      Optional<Scope> scope) {
    this.center = rounded("the center", center);
    this.vectors = List.copyOf(vectors);
    if (vectors.isEmpty()) {
      throw new IllegalArgumentException("a label head needs the vectors of at least one label");
    }
    for (LabelVectors label : vectors) {
      if (label.states().length != center.length) {
        throw new IllegalArgumentException(
            "label '%s' has a vector of %d numbers over states; the center has %d"
                .formatted(label.label(), label.states().length, center.length));
      }
      if (byName.put(label.label(), byName.size()) != null) {
        throw new IllegalArgumentException("label '" + label.label() + "' has vectors twice");
      }
    }
    this.unitStates = unitStates;
    this.decoderWeight = finite("the decoder's weight", decoderWeight);
    this.stateWeight = finite("the weight of states", stateWeight);
    this.wordWeight = finite("the weight of words", wordWeight);
    this.scope = scope;
  }

  /** [d] the mean of the examples' pooled states; not to be changed. */
  public float[] center() {
    return center;
  }

  /** One per label that had an example. */
  public List<LabelVectors> vectors() {
    return vectors;
  }

  /** Whether a centred state is scaled to length 1. */
  public boolean unitStates() {
    return unitStates;
  }

  /** What the zero-shot log-scores count. */
  public double decoderWeight() {
    return decoderWeight;
  }

  /** What vectors over encoder states count. */
  public double stateWeight() {
    return stateWeight;
  }

  /** What vectors over lexical features count. */
  public double wordWeight() {
    return wordWeight;
  }

  /** What texts of the task are like, if that is known. */
  public Optional<Scope> scope() {
    return scope;
  }

  /**
   * Takes over what was fitted.
   *
   * @param labels names, in the order the vectors were fitted for
   * @param states whose dense part counts; its bias too
   * @param words whose sparse part counts; its bias too, unless both are one
   * @param weights of zero-shot scores, states and words
   */
  static LabelHead of(
      List<String> labels,
      float[] center,
      LinearHead states,
      LinearHead words,
      boolean unitStates,
      double[] weights,
      Optional<Scope> scope) {
    int[] seen = IntStream.range(0, labels.size()).filter(states::seen).toArray();
    double[][] sparse = sparse(IntStream.of(seen).mapToObj(words::sparse).toArray(double[][]::new));
    List<LabelVectors> vectors = new ArrayList<>();
    for (int i = 0; i < seen.length; i++) {
      double[] ofLabel = sparse[i];
      int[] places = IntStream.range(0, ofLabel.length).filter(p -> ofLabel[p] != 0).toArray();
      vectors.add(
          new LabelVectors(
              labels.get(seen[i]),
              floats(states.dense(seen[i])),
              (float) states.bias(seen[i]),
              places,
              floats(IntStream.of(places).mapToDouble(p -> ofLabel[p]).toArray()),
              states == words ? 0 : (float) words.bias(seen[i])));
    }
    return new LabelHead(center, vectors, unitStates, weights[0], weights[1], weights[2], scope);
  }

  /**
   * The same preferences in fewer numbers. Only differences between labels count, and a word of one
   * label's examples weighs about the same for all others: their median becomes 0. Then negligible
   * weights are dropped.
   */
  private static double[][] sparse(double[][] weights) {
    int width = weights[0].length;
    double[][] out = new double[weights.length][width];
    for (int place = 0; place < width; place++) {
      int p = place;
      double[] column = Arrays.stream(weights).mapToDouble(label -> label[p]).sorted().toArray();
      for (int l = 0; l < out.length; l++) {
        out[l][p] = weights[l][p] - column[column.length / 2];
      }
    }
    double[] sizes = Arrays.stream(out).flatMapToDouble(Arrays::stream).map(Math::abs).toArray();
    Arrays.sort(sizes);
    double negligible = NEGLIGIBLE * Arrays.stream(sizes).map(w -> w * w).sum();
    int first = 0;
    while (first < sizes.length && (negligible -= sizes[first] * sizes[first]) >= 0) {
      first++;
    }
    double least = first == sizes.length ? 0 : sizes[first];
    for (double[] label : out) {
      Arrays.setAll(label, p -> Math.abs(label[p]) < least ? 0 : label[p]);
    }
    return out;
  }

  /**
   * What a text gets.
   *
   * @param logits [labels]
   * @param outOfScope how unlike the task the text is, 0 to 1 ({@link Scope}); empty if the head
   *     does not know, or has no vector of the task's labels
   */
  public record Scores(double[] logits, OptionalDouble outOfScope) {}

  /**
   * The logits of a task's labels: the weighted sum of the three scorers. Labels are known by name:
   * one without vectors gets the mean of the others', vectors of labels the task does not have are
   * not used.
   *
   * @param labels the task's
   * @param decoderScores [labels] zero-shot log-scores; a label cut off (minus infinity) counts as
   *     the least likely of the others
   * @param pooled [d] the text's vector
   */
  public Scores scores(
      List<Label> labels, double[] decoderScores, float[] pooled, LexicalVector words) {
    double[] state =
        unitStates ? Prototypes.centred(pooled, center) : Prototypes.minus(pooled, center);
    double[] ofWords = words().times(words);
    double[] out = new double[labels.size()];
    boolean[] known = new boolean[out.length];
    double sum = 0;
    int count = 0;
    double nearest = Double.NEGATIVE_INFINITY;
    for (int l = 0; l < out.length; l++) {
      Integer place = byName.get(labels.get(l).name());
      if (place != null) {
        LabelVectors label = vectors.get(place);
        known[l] = true;
        count++;
        double logit = label.stateBias() + dot(label.states(), state);
        nearest = Math.max(nearest, logit);
        out[l] = stateWeight * logit;
        out[l] += wordWeight * (label.wordBias() + ofWords[place]);
        sum += out[l];
      }
    }
    double least = least(decoderScores);
    for (int l = 0; l < out.length; l++) {
      out[l] = known[l] ? out[l] : count == 0 ? 0 : sum / count;
      out[l] += decoderWeight * Math.max(least, decoderScores[l]);
    }
    return new Scores(out, outOfScope(count, nearest, pooled));
  }

  private OptionalDouble outOfScope(int known, double nearest, float[] pooled) {
    if (scope.isEmpty() || known == 0) {
      return OptionalDouble.empty();
    }
    double outside = scope.get().outside(Scope.similarity(nearest, pooled, center));
    return Double.isNaN(outside) ? OptionalDouble.empty() : OptionalDouble.of(outside);
  }

  /** Of scores that were not cut off; 0 if all were. */
  private static double least(double[] scores) {
    double least = Double.POSITIVE_INFINITY;
    for (double score : scores) {
      least = score == Double.NEGATIVE_INFINITY ? least : Math.min(least, score);
    }
    return least == Double.POSITIVE_INFINITY ? 0 : least;
  }

  private Words words() {
    Words made = words;
    if (made == null) {
      made = Words.of(vectors);
      words = made;
    }
    return made;
  }

  /**
   * The word weights of all labels by place: a text has some dozens of places, and few labels have
   * a weight at any of them.
   *
   * @param places that some label has a weight at, ascending
   * @param starts [places + 1] where a place's weights begin
   * @param owners which label each weight is of
   */
  private record Words(int labels, int[] places, int[] starts, int[] owners, float[] weights) {
    static Words of(List<LabelVectors> vectors) {
      int[] places =
          vectors.stream()
              .flatMapToInt(label -> IntStream.of(label.places()))
              .sorted()
              .distinct()
              .toArray();
      int[] starts = new int[places.length + 1];
      for (LabelVectors label : vectors) {
        for (int place : label.places()) {
          starts[Arrays.binarySearch(places, place) + 1]++;
        }
      }
      for (int i = 0; i < places.length; i++) {
        starts[i + 1] += starts[i];
      }
      int[] owners = new int[starts[places.length]];
      float[] weights = new float[owners.length];
      int[] next = starts.clone();
      for (int l = 0; l < vectors.size(); l++) {
        LabelVectors label = vectors.get(l);
        for (int i = 0; i < label.places().length; i++) {
          int at = next[Arrays.binarySearch(places, label.places()[i])]++;
          owners[at] = l;
          weights[at] = label.words()[i];
        }
      }
      return new Words(vectors.size(), places, starts, owners, weights);
    }

    /** [labels] */
    double[] times(LexicalVector x) {
      double[] out = new double[labels];
      for (int i = 0; i < x.places().length; i++) {
        int place = Arrays.binarySearch(places, x.places()[i]);
        if (place >= 0) {
          for (int at = starts[place]; at < starts[place + 1]; at++) {
            out[owners[at]] += weights[at] * x.values()[i];
          }
        }
      }
      return out;
    }
  }

  /** In four sums that do not wait for each other. */
  private static double dot(float[] weights, double[] x) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int i = 0;
    for (; i + 3 < weights.length; i += 4) {
      a += weights[i] * x[i];
      b += weights[i + 1] * x[i + 1];
      c += weights[i + 2] * x[i + 2];
      d += weights[i + 3] * x[i + 3];
    }
    for (; i < weights.length; i++) {
      a += weights[i] * x[i];
    }
    return a + b + (c + d);
  }

  private static float[] floats(double[] values) {
    float[] out = new float[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) values[i];
    }
    return out;
  }

  private static float[] rounded(String what, float[] values) {
    float[] out = HalfFloats.round(values);
    for (int i = 0; i < out.length; i++) {
      if (!Float.isFinite(out[i])) {
        throw new IllegalArgumentException(
            "%s: number %d is %s, not finite in half precision".formatted(what, i, values[i]));
      }
    }
    return out;
  }

  private static double finite(String what, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(what + " is " + value);
    }
    return value;
  }
}
