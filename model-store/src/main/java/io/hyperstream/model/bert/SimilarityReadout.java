package io.hyperstream.model.bert;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Backbone;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.Pooling;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.readout.LabelReadout;
import io.hyperstream.model.readout.LabelVectors;
import io.hyperstream.model.readout.ReadoutBatch;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Labels scored by the cosine between a text and what the label means, over a temperature. A label
 * means its words (name or verbalizer, an underscore read as a space), or, if every label of the
 * task has a description, "words: description". Vectors of labels are kept while memory lasts, for
 * each set of adapters that they were asked under.
 */
final class SimilarityReadout implements LabelReadout {
  /** What cosines are multiplied with: fitted on tasks whose labels nobody had taught. */
  static final double OF_TEXTS = 25;

  static final double OF_PAIRS = 7;

  private static final int LABELS_AT_ONCE = 64;
  private static final int MAX_TEXTS = 100_000;
  private static final long MAX_FLOATS = 16 << 20;

  /** Label vectors depend on the adapters they were made under, known by identity. */
  private record Key(Object adapters, List<Label> labels) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Key key && key.adapters == adapters && key.labels.equals(labels);
    }

    @Override
    public int hashCode() {
      return 31 * System.identityHashCode(adapters) + labels.hashCode();
    }
  }

  private final Backbone backbone;
  private final SentenceRows rows;
  private final Map<List<Label>, List<TokenSequence>> texts = new LinkedHashMap<>(64, 0.75f, true);
  private int textCount;
  private final Map<Key, float[][]> vectors = new LinkedHashMap<>(64, 0.75f, true);
  private long floats;

  SimilarityReadout(Backbone backbone, SentenceRows rows) {
    this.backbone = backbone;
    this.rows = rows;
  }

  @Override
  public void check(TaskDefinition task) {
    sequences(task);
  }

  /** What is embedded for a label. */
  private static String text(Label label, boolean described) {
    String words = label.verbalizer().replace('_', ' ');
    return described ? words + ": " + label.description().orElseThrow() : words;
  }

  private List<TokenSequence> sequences(TaskDefinition task) {
    synchronized (texts) {
      List<TokenSequence> known = texts.get(task.labels());
      if (known != null) {
        return known;
      }
    }
    List<TokenSequence> made = new ArrayList<>();
    Map<List<Integer>, Label> seen = new HashMap<>();
    // Only like is compared with like: descriptions count when every label has one.
    boolean described = task.labels().stream().allMatch(label -> label.description().isPresent());
    for (Label label : task.labels()) {
      var input = rows.single(text(label, described), OverLengthPolicy.TRUNCATE);
      if (input.empty()) {
        throw new IllegalArgumentException(
            "label '" + label.name() + "' has no tokens; use letters or digits");
      }
      TokenSequence sequence = input.sequences().get(0);
      Label other = seen.put(Arrays.stream(sequence.ids()).boxed().toList(), label);
      if (other != null) {
        throw new IllegalArgumentException(
            "labels '%s' and '%s' have the same tokens: this model's tokenizer cannot tell them apart; reword one"
                .formatted(other.name(), label.name()));
      }
      made.add(sequence);
    }
    synchronized (texts) {
      if (texts.putIfAbsent(task.labels(), made) == null) {
        textCount += made.size();
        var eldest = texts.entrySet().iterator();
        while (textCount > MAX_TEXTS && texts.size() > 1) {
          textCount -= eldest.next().getValue().size();
          eldest.remove();
        }
      }
    }
    return made;
  }

  @Override
  public boolean needsVectors() {
    return true;
  }

  @Override
  public double[][] score(ReadoutBatch batch, LabelScoring scoring) {
    double[][] scores = new double[batch.rows()][];
    for (int row = 0; row < scores.length; row++) {
      float[][] labels = vectors(batch, row);
      float[] vector = batch.vectors()[row];
      scores[row] = new double[labels.length];
      double by = rows.isPair(vector) ? OF_PAIRS : OF_TEXTS;
      for (int l = 0; l < labels.length; l++) {
        scores[row][l] = by * rows.similarity(vector, labels[l]);
      }
    }
    return scores;
  }

  /** The vectors of a row's labels under the row's adapters. */
  private float[][] vectors(ReadoutBatch batch, int row) {
    TaskDefinition task = batch.tasks().get(row);
    Key key = new Key(batch.adapters().key(row), task.labels());
    float[][] known = vectors.get(key);
    if (known != null) {
      return known;
    }
    List<TokenSequence> sequences = sequences(task);
    float[][] made = new float[sequences.size()][];
    for (int from = 0; from < made.length; from += LABELS_AT_ONCE) {
      int to = Math.min(made.length, from + LABELS_AT_ONCE);
      int[] same = new int[to - from];
      Arrays.fill(same, row);
      try (NDScope scope = Ops.scope();
          AdapterHook adapters = batch.adapters().select(same)) {
        scope.suppressNotUsedWarning();
        TokenBatch tokens = TokenBatch.of(backbone, sequences.subList(from, to));
        Pooling unit = new Pooling(rows.pooling().kind(), true);
        float[][] some = backbone.encode(tokens, adapters).vectors(unit);
        System.arraycopy(some, 0, made, from, some.length);
      }
    }
    vectors.put(key, made);
    floats += size(made);
    return made;
  }

  private static long size(float[][] vectors) {
    return (long) vectors.length * vectors[0].length;
  }

  @Override
  public Differentiable differentiable(TaskDefinition task, boolean pairs) {
    return vectors(task, pairs).orElseThrow();
  }

  @Override
  public Optional<LabelVectors> vectors(TaskDefinition task, boolean pairs) {
    return Optional.of(new Vectors(sequences(task), pairs ? OF_PAIRS : OF_TEXTS));
  }

  private final class Vectors implements LabelVectors {
    private final List<TokenSequence> sequences;
    private final double scale;

    Vectors(List<TokenSequence> sequences, double scale) {
      this.sequences = sequences;
      this.scale = scale;
    }

    @Override
    public int labels() {
      return sequences.size();
    }

    @Override
    public double scale() {
      return scale;
    }

    @Override
    public NDArray rows(Encoded encoded) {
      return encoded.pooled(new Pooling(rows.pooling().kind(), true));
    }

    @Override
    public NDArray of(int[] labels, AdapterHook adapters) {
      List<TokenSequence> some = IntStream.of(labels).mapToObj(sequences::get).toList();
      return rows(
          backbone.encode(TokenBatch.of(backbone, some), adapters.select(new int[labels.length])));
    }

    @Override
    public NDArray score(Encoded encoded, AdapterHook adapters) {
      return score(rows(encoded), IntStream.range(0, labels()).toArray(), adapters);
    }

    @Override
    public NDArray score(NDArray texts, int[] labels, AdapterHook adapters) {
      return Ops.mul(Ops.linear(texts, of(labels, adapters)), (float) scale);
    }
  }

  @Override
  public void trim() {
    var eldest = vectors.entrySet().iterator();
    while (floats > MAX_FLOATS && eldest.hasNext()) {
      floats -= size(eldest.next().getValue());
      eldest.remove();
    }
  }

  @Override
  public void close() {
    vectors.clear();
    floats = 0;
  }
}
