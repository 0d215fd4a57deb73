package io.hyperstream.model.task;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** How a task's predictions are measured: the paper's metrics, larger is better. */
public enum Metric {
  ACCURACY,
  /** Of the second of two labels: the one that says yes in MRPC and QQP. */
  F1,
  /** Mean over the labels present in the references. */
  MACRO_F1,
  /** Matthews' correlation, for any number of labels; 0 where it is undefined. */
  MATTHEWS,
  PEARSON,
  /** Pearson of the ranks; ties share their mean rank. */
  SPEARMAN;

  /** Whether it compares numbers; the others compare labels. */
  public boolean isRegression() {
    return this == PEARSON || this == SPEARMAN;
  }

  /**
   * By its key, in any case.
   *
   * @throws IllegalArgumentException naming those there are
   */
  public static Metric named(String key) {
    for (Metric metric : values()) {
      if (metric.key().equals(key.toLowerCase(Locale.ROOT).replace('-', '_'))) {
        return metric;
      }
    }
    throw new IllegalArgumentException(
        "there is no metric '"
            + key
            + "'; there are "
            + Arrays.stream(values()).map(Metric::key).collect(Collectors.joining(", ")));
  }

  /** Lower case, as in reports. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Of predicted labels.
   *
   * @param references label indices
   * @param predictions label indices; -1 for none of the labels
   * @param labels how many labels the task has
   */
  public double of(int[] references, int[] predictions, int labels) {
    requireRows(references.length, predictions.length);
    long[][] confusion = new long[labels][labels + 1]; // the last column: no label
    for (int i = 0; i < references.length; i++) {
      confusion[references[i]][predictions[i] < 0 ? labels : predictions[i]]++;
    }
    return switch (this) {
      case ACCURACY -> (double) correct(confusion) / references.length;
      case F1 -> f1(confusion, Math.min(1, labels - 1));
      case MACRO_F1 -> macroF1(confusion);
      case MATTHEWS -> matthews(confusion, references.length);
      case PEARSON, SPEARMAN ->
          throw new IllegalArgumentException(key() + " compares numbers, not labels");
    };
  }

  /** Of predicted numbers. */
  public double of(double[] references, double[] predictions) {
    requireRows(references.length, predictions.length);
    return switch (this) {
      case PEARSON -> pearson(references, predictions);
      case SPEARMAN -> pearson(ranks(references), ranks(predictions));
      default -> throw new IllegalArgumentException(key() + " compares labels, not numbers");
    };
  }

  private static void requireRows(int references, int predictions) {
    if (references != predictions || references == 0) {
      throw new IllegalArgumentException(
          "a metric needs as many predictions as references, at least one; got "
              + predictions
              + " and "
              + references);
    }
  }

  private static long correct(long[][] confusion) {
    return IntStream.range(0, confusion.length).mapToLong(i -> confusion[i][i]).sum();
  }

  private static double f1(long[][] confusion, int label) {
    long said = IntStream.range(0, confusion.length).mapToLong(i -> confusion[i][label]).sum();
    long are = Arrays.stream(confusion[label]).sum();
    return said + are == 0 ? 0 : 2.0 * confusion[label][label] / (said + are);
  }

  private static double macroF1(long[][] confusion) {
    return IntStream.range(0, confusion.length)
        .filter(label -> Arrays.stream(confusion[label]).sum() > 0)
        .mapToDouble(label -> f1(confusion, label))
        .average()
        .orElseThrow();
  }

  /** Gorodkin's R_K, which is Matthews' coefficient for two labels. */
  private static double matthews(long[][] confusion, double rows) {
    int columns = confusion[0].length;
    double products = 0;
    double saidSquares = 0;
    double areSquares = 0;
    for (int label = 0; label < columns; label++) {
      int column = label;
      double said = Arrays.stream(confusion).mapToLong(row -> row[column]).sum();
      double are = label < confusion.length ? Arrays.stream(confusion[label]).sum() : 0;
      products += said * are;
      saidSquares += said * said;
      areSquares += are * are;
    }
    double spread = Math.sqrt(rows * rows - saidSquares) * Math.sqrt(rows * rows - areSquares);
    return spread == 0 ? 0 : (correct(confusion) * rows - products) / spread;
  }

  private static double pearson(double[] x, double[] y) {
    double meanX = Arrays.stream(x).average().orElseThrow();
    double meanY = Arrays.stream(y).average().orElseThrow();
    double xy = 0;
    double xx = 0;
    double yy = 0;
    for (int i = 0; i < x.length; i++) {
      xy += (x[i] - meanX) * (y[i] - meanY);
      xx += (x[i] - meanX) * (x[i] - meanX);
      yy += (y[i] - meanY) * (y[i] - meanY);
    }
    return xx == 0 || yy == 0 ? 0 : xy / Math.sqrt(xx * yy);
  }

  private static double[] ranks(double[] values) {
    Integer[] order = IntStream.range(0, values.length).boxed().toArray(Integer[]::new);
    Arrays.sort(order, Comparator.comparingDouble(i -> values[i]));
    double[] ranks = new double[values.length];
    for (int from = 0; from < order.length; ) {
      int to = from;
      while (to < order.length && values[order[to]] == values[order[from]]) {
        to++;
      }
      for (int i = from; i < to; i++) {
        ranks[order[i]] = (from + to - 1) / 2.0;
      }
      from = to;
    }
    return ranks;
  }
}
