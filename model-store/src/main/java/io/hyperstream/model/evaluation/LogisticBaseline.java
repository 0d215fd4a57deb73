package io.hyperstream.model.evaluation;

import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.prototype.LinearHead;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.training.Example;
import io.hyperstream.model.training.FewShotModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * What an engineer does in an afternoon, to compare with: logistic regression (C = 10) over the
 * frozen model's vector of a text, of pairs [u, v, |u - v|, u * v], beside TF-IDF of words and
 * pairs of neighbours; for single texts plus the cosine to each label's mean vector, in which its
 * name counts as one more example. One thread.
 */
final class LogisticBaseline {
  private static final double RIDGE = 0.1; // 1 / C
  private static final double VECTOR_SCALE = 2;
  private static final double COSINE_SCALE = 15;
  private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}_]+|[^\\p{L}\\p{N}_\\s]");

  private final FewShotModel model;
  private final Map<String, float[]> known = new HashMap<>();

  LogisticBaseline(FewShotModel model) {
    this.model = model;
  }

  /** [test rows][labels] probabilities, learnt from the examples. */
  double[][] probabilities(TaskDefinition task, List<Example> examples, List<Example> test) {
    List<String> names = task.labels().stream().map(Label::name).toList();
    int[] y = examples.stream().mapToInt(example -> names.indexOf(example.label())).toArray();
    boolean pair = examples.get(0).textPair().isPresent();
    double[][] x = vectors(examples);
    TfIdf words = new TfIdf(examples);
    LexicalVector[] z = examples.stream().map(words::of).toArray(LexicalVector[]::new);
    double[] once = new double[y.length];
    Arrays.fill(once, 1);
    LinearHead head =
        LinearHead.fit(
            scaled(x, VECTOR_SCALE),
            z,
            words.size(),
            y,
            once,
            names.size(),
            new LinearHead.Settings(RIDGE, 1e-7));
    double[][] asked = vectors(test);
    double[][] prototypes = pair ? new double[0][] : prototypes(task, x, y);
    double[][] out = new double[test.size()][];
    for (int i = 0; i < out.length; i++) {
      double[] logits = head.logits(scaled(asked[i], VECTOR_SCALE), words.of(test.get(i)));
      double[] sum = logSoftmax(logits);
      if (!pair) {
        double[] row = asked[i];
        double[] byName =
            Arrays.stream(prototypes).mapToDouble(p -> COSINE_SCALE * dot(p, row)).toArray();
        double[] logs = logSoftmax(byName);
        Arrays.setAll(sum, l -> sum[l] + logs[l]);
      }
      out[i] = Arrays.stream(logSoftmax(sum)).map(Math::exp).toArray();
    }
    return out;
  }

  private static double[][] scaled(double[][] rows, double by) {
    return Arrays.stream(rows).map(row -> scaled(row, by)).toArray(double[][]::new);
  }

  private static double[] scaled(double[] row, double by) {
    return Arrays.stream(row).map(value -> by * value).toArray();
  }

  private double[][] vectors(List<Example> examples) {
    List<String> texts = new ArrayList<>();
    for (Example example : examples) {
      texts.add(example.text());
      example.textPair().ifPresent(texts::add);
    }
    embed(texts);
    return examples.stream()
        .map(example -> vector(example.text(), example.textPair()))
        .toArray(double[][]::new);
  }

  private void embed(List<String> texts) {
    List<String> missing = texts.stream().distinct().filter(t -> !known.containsKey(t)).toList();
    float[][] vectors = model.embed(missing);
    for (int i = 0; i < vectors.length; i++) {
      known.put(missing.get(i), vectors[i]);
    }
  }

  private double[] vector(String text, Optional<String> textPair) {
    float[] u = known.get(text);
    if (textPair.isEmpty()) {
      return IntStream.range(0, u.length).mapToDouble(i -> u[i]).toArray();
    }
    float[] v = known.get(textPair.get());
    double[] out = new double[4 * u.length];
    for (int i = 0; i < u.length; i++) {
      out[i] = u[i];
      out[u.length + i] = v[i];
      out[2 * u.length + i] = Math.abs(u[i] - v[i]);
      out[3 * u.length + i] = u[i] * v[i];
    }
    return out;
  }

  /** Of each label, the mean of its examples and its name, of length 1. */
  private double[][] prototypes(TaskDefinition task, double[][] x, int[] y) {
    List<String> names =
        task.labels().stream().map(label -> label.verbalizer().replace('_', ' ')).toList();
    embed(names);
    double[][] out = new double[names.size()][];
    for (int l = 0; l < out.length; l++) {
      double[] sum = vector(names.get(l), Optional.empty());
      for (int i = 0; i < y.length; i++) {
        for (int j = 0; y[i] == l && j < sum.length; j++) {
          sum[j] += x[i][j];
        }
      }
      out[l] = scaled(sum, 1 / Math.max(1e-12, Math.sqrt(dot(sum, sum))));
    }
    return out;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static double[] logSoftmax(double[] logits) {
    double top = Arrays.stream(logits).max().orElse(0);
    double log = top + Math.log(Arrays.stream(logits).map(z -> Math.exp(z - top)).sum());
    return Arrays.stream(logits).map(z -> z - log).toArray();
  }

  /** Words and pairs of neighbours of the examples, weighted as scikit-learn does. */
  private static final class TfIdf {
    private final Map<String, Integer> places = new LinkedHashMap<>();
    private final double[] idf;

    TfIdf(List<Example> examples) {
      Map<String, Integer> documents = new TreeMap<>();
      for (Example example : examples) {
        counts(example).keySet().forEach(term -> documents.merge(term, 1, Integer::sum));
      }
      idf = new double[documents.size()];
      documents.forEach(
          (term, in) -> {
            idf[places.size()] = Math.log((1.0 + examples.size()) / (1 + in)) + 1;
            places.put(term, places.size());
          });
    }

    int size() {
      return idf.length;
    }

    private static Map<String, Integer> counts(Example example) {
      String text = example.text() + example.textPair().map(pair -> " " + pair).orElse("");
      Matcher matcher = WORD.matcher(text.toLowerCase(Locale.ROOT));
      Map<String, Integer> counts = new TreeMap<>();
      String before = null;
      while (matcher.find()) {
        String word = matcher.group();
        counts.merge(word, 1, Integer::sum);
        if (before != null) {
          counts.merge(before + " " + word, 1, Integer::sum);
        }
        before = word;
      }
      return counts;
    }

    LexicalVector of(Example example) {
      TreeMap<Integer, Double> weights = new TreeMap<>();
      counts(example)
          .forEach(
              (term, count) -> {
                Integer place = places.get(term);
                if (place != null) {
                  weights.put(place, (1 + Math.log(count)) * idf[place]);
                }
              });
      int[] at = weights.keySet().stream().mapToInt(Integer::intValue).toArray();
      double[] values = weights.values().stream().mapToDouble(Double::doubleValue).toArray();
      double length = Math.sqrt(dot(values, values));
      return new LexicalVector(at, length == 0 ? values : scaled(values, 1 / length));
    }
  }
}
