package io.hyperstream.model.prototype;

import io.hyperstream.model.task.Label;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What few-shot adaptation learns beside the decoder: label vectors over pooled encoder states and
 * over lexical features, and how much each of the three scorers counts. Numbers are rounded to half
 * precision when it is made, so that what was judged is what travels and is served. Immutable, any
 * thread.
 *
 * @param center [d] the mean of the examples' pooled states; not to be changed
 * @param vectors one per label that had an example
 * @param decoderWeight what the decoder's log-scores count
 * @param stateWeight what vectors over encoder states count
 * @param wordWeight what vectors over lexical features count
 */
public record LabelHead(
    float[] center,
    List<LabelVectors> vectors,
    double decoderWeight,
    double stateWeight,
    double wordWeight) {

  /**
   * The vectors of one label.
   *
   * @param states [d] over centred pooled states of length 1; not to be changed
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

  /**
   * @throws IllegalArgumentException if sizes do not agree, a label comes twice, or a number is not
   *     finite in half precision
   */
  public LabelHead {
    center = rounded("the center", center);
    vectors = List.copyOf(vectors);
    if (vectors.isEmpty()) {
      throw new IllegalArgumentException("a label head needs the vectors of at least one label");
    }
    Map<String, LabelVectors> byName = new HashMap<>();
    for (LabelVectors label : vectors) {
      if (label.states().length != center.length) {
        throw new IllegalArgumentException(
            "label '%s' has a vector of %d numbers over states; the center has %d"
                .formatted(label.label(), label.states().length, center.length));
      }
      if (byName.put(label.label(), label) != null) {
        throw new IllegalArgumentException("label '" + label.label() + "' has vectors twice");
      }
    }
    finite("the decoder's weight", decoderWeight);
    finite("the weight of states", stateWeight);
    finite("the weight of words", wordWeight);
  }

  /**
   * Takes over what was fitted.
   *
   * @param labels names, in the order the vectors were fitted for
   * @param weights of decoder, states and words
   */
  public static LabelHead of(List<String> labels, Prototypes fitted, double[] weights) {
    int[] seen = IntStream.range(0, labels.size()).filter(fitted.pooled()::seen).toArray();
    double[][] words =
        sparse(IntStream.of(seen).mapToObj(fitted.lexical()::weights).toArray(double[][]::new));
    List<LabelVectors> vectors = new ArrayList<>();
    for (int i = 0; i < seen.length; i++) {
      double[] ofLabel = words[i];
      int[] places = IntStream.range(0, ofLabel.length).filter(p -> ofLabel[p] != 0).toArray();
      vectors.add(
          new LabelVectors(
              labels.get(seen[i]),
              floats(fitted.pooled().weights(seen[i])),
              (float) fitted.pooled().bias(seen[i]),
              places,
              floats(IntStream.of(places).mapToDouble(p -> ofLabel[p]).toArray()),
              (float) fitted.lexical().bias(seen[i])));
    }
    return new LabelHead(fitted.center(), vectors, weights[0], weights[1], weights[2]);
  }

  /**
   * The same preferences in fewer numbers. Only differences between labels count, and a word of one
   * label's examples weighs about the same for all others: their median becomes 0. Then dust goes.
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
    double dust = NEGLIGIBLE * Arrays.stream(sizes).map(w -> w * w).sum();
    int first = 0;
    while (first < sizes.length && (dust -= sizes[first] * sizes[first]) >= 0) {
      first++;
    }
    double least = first == sizes.length ? 0 : sizes[first];
    for (double[] label : out) {
      Arrays.setAll(label, p -> Math.abs(label[p]) < least ? 0 : label[p]);
    }
    return out;
  }

  /**
   * The logits of a task's labels: the weighted sum of the three scorers. Labels are known by name:
   * one without vectors gets the mean of the others', vectors of labels the task does not have are
   * not used.
   *
   * @param labels the task's
   * @param decoderScores [labels] log-probabilities; a label cut off (minus infinity) counts as the
   *     least likely of the others
   * @param pooled [d] the text's encoder states, averaged over its tokens
   * @return [labels]
   */
  public double[] logits(
      List<Label> labels, double[] decoderScores, float[] pooled, LexicalVector words) {
    Map<String, LabelVectors> byName = new HashMap<>();
    vectors.forEach(label -> byName.put(label.label(), label));
    double[] state = Prototypes.centred(pooled, center);
    double[] features = words.dense();
    double[] out = new double[labels.size()];
    boolean[] known = new boolean[out.length];
    double sum = 0;
    int count = 0;
    for (int l = 0; l < out.length; l++) {
      LabelVectors label = byName.get(labels.get(l).name());
      if (label != null) {
        known[l] = true;
        count++;
        out[l] = stateWeight * (label.stateBias() + dot(label.states(), state));
        out[l] += wordWeight * (label.wordBias() + dot(label.words(), label.places(), features));
        sum += out[l];
      }
    }
    double least =
        Arrays.stream(decoderScores)
            .filter(score -> score != Double.NEGATIVE_INFINITY)
            .min()
            .orElse(0);
    for (int l = 0; l < out.length; l++) {
      out[l] = known[l] ? out[l] : count == 0 ? 0 : sum / count;
      out[l] += decoderWeight * Math.max(least, decoderScores[l]);
    }
    return out;
  }

  private static double dot(float[] weights, double[] x) {
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      sum += weights[i] * x[i];
    }
    return sum;
  }

  private static double dot(float[] weights, int[] places, double[] x) {
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      sum += weights[i] * x[places[i]];
    }
    return sum;
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

  private static void finite(String what, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(what + " is " + value);
    }
  }
}
