package io.hyperstream.model.inference;

import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.inference.InferenceException.Code;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.t5.Generated;
import io.hyperstream.model.t5.GenerationOptions;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Pattern;

/** From encoded rows to answers, by kind of task. For the one thread that runs batches. */
final class Decoding implements AutoCloseable {
  /** What a regression task may answer: no locale, no NaN, no hexadecimal. */
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?");

  private static final float[] NO_DISTRIBUTION = {};

  private final T5 t5;
  private final Tokenizer tokenizer;
  private final LabelScorer exact;
  private final TrieBeamScorer approximate;
  private final GenerationOptions generation;

  Decoding(
      T5 t5, Tokenizer tokenizer, LabelSpaces spaces, ModelOptions options, int maxTargetTokens) {
    this.t5 = t5;
    this.tokenizer = tokenizer;
    this.exact = new LabelScorer(t5, spaces, options.maxLogitsBytes());
    this.approximate = new TrieBeamScorer(t5, spaces, options);
    this.generation =
        options.beams() == 1
            ? GenerationOptions.greedy(maxTargetTokens)
            : GenerationOptions.beam(maxTargetTokens, options.beams());
  }

  /**
   * Answers the rows of an encoded batch.
   *
   * @param batch sorted by kind, then by scoring
   * @param results where each row's answer goes, by the row's index
   */
  void answer(EncodedRows batch, RowResult[] results) {
    List<TaskRow> rows = batch.rows();
    for (int from = 0; from < rows.size(); ) {
      TaskDefinition first = rows.get(from).row().task();
      int to = from + 1;
      while (to < rows.size() && alike(first, rows.get(to).row().task())) {
        to++;
      }
      EncodedRows part = batch.slice(from, to);
      if (first.kind() != TaskKind.CLASSIFICATION) {
        generate(part, results);
      } else {
        boolean approximated = first.scoring() != LabelScoring.EXACT;
        classify(part, score(part), approximated, results);
      }
      from = to;
    }
  }

  /** [rows][labels] log-probabilities of classification rows that are scored alike. */
  double[][] score(EncodedRows batch) {
    return switch (batch.rows().get(0).row().task().scoring()) {
      case EXACT -> exact.score(batch);
      case TRIE_BEAM -> approximate.score(batch);
    };
  }

  private static boolean alike(TaskDefinition a, TaskDefinition b) {
    return a.kind() == b.kind() && a.scoring() == b.scoring();
  }

  private static void classify(
      EncodedRows batch, double[][] scores, boolean approximate, RowResult[] results) {
    for (int i = 0; i < scores.length; i++) {
      TaskRow row = batch.rows().get(i);
      double[] logits = scores[i];
      if (row.hasHead()) {
        LabelHead head = row.row().adapter().head().get();
        LexicalVector words = row.row().words().get();
        logits = head.logits(row.row().task().labels(), logits, batch.pooled()[i], words);
      }
      results[row.index()] = classification(row.row(), logits, approximate);
    }
  }

  private static RowResult classification(PreparedRow row, double[] scores, boolean approximate) {
    List<Label> labels = row.task().labels();
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      best = scores[i] > scores[best] ? i : best;
    }
    double sum = 0;
    for (double score : scores) {
      sum += Math.exp(score - scores[best]);
    }
    if (!Double.isFinite(sum)) {
      return notFinite(row);
    }
    float[] distribution = new float[scores.length];
    for (int i = 0; i < scores.length; i++) {
      distribution[i] = (float) (Math.exp(scores[i] - scores[best]) / sum);
    }
    return new TaskPrediction(
        TaskKind.CLASSIFICATION,
        Optional.of(labels.get(best).name()),
        OptionalDouble.empty(),
        Optional.empty(),
        distribution[best],
        distribution,
        row.adapter().version(),
        row.adapter().taught(),
        row.truncated(),
        approximate);
  }

  private static RowFailure notFinite(PreparedRow row) {
    return new RowFailure(
        Code.MODEL_ERROR,
        "the scores are not finite: version %d of task '%s' is damaged or has diverged"
            .formatted(row.adapter().version(), row.task().taskId()));
  }

  private void generate(EncodedRows batch, RowResult[] results) {
    List<Generated> decoded;
    try (BatchAdapters adapters = batch.adapters()) {
      decoded = t5.generate(t5.attendTo(batch.memory()), adapters, generation);
    }
    for (int i = 0; i < decoded.size(); i++) {
      TaskRow row = batch.rows().get(i);
      results[row.index()] = text(row.row(), decoded.get(i));
    }
  }

  private RowResult text(PreparedRow row, Generated decoded) {
    if (!Double.isFinite(decoded.sumLogProbability())) {
      return notFinite(row);
    }
    String text = tokenizer.decode(decoded.tokens());
    OptionalDouble value = OptionalDouble.empty();
    if (row.task().kind() == TaskKind.REGRESSION) {
      value = number(text);
      if (value.isEmpty()) {
        return new RowFailure(
            Code.MODEL_ERROR,
            "task '%s' is a regression, and the model answered '%s', which is no number"
                .formatted(row.task().taskId(), text));
      }
    }
    return new TaskPrediction(
        row.task().kind(),
        Optional.empty(),
        value,
        Optional.of(text),
        (float) Math.exp(decoded.sumLogProbability()),
        NO_DISTRIBUTION,
        row.adapter().version(),
        row.adapter().taught(),
        row.truncated(),
        false);
  }

  /** A decimal number with a point, whatever the machine's locale. */
  static OptionalDouble number(String text) {
    String stripped = text.strip();
    if (stripped.length() > 64 || !NUMBER.matcher(stripped).matches()) {
      return OptionalDouble.empty();
    }
    double value = Double.parseDouble(stripped);
    return Double.isFinite(value) ? OptionalDouble.of(value) : OptionalDouble.empty();
  }

  /** Call it after a batch. */
  void trim() {
    exact.trim();
  }

  @Override
  public void close() {
    exact.close();
  }
}
