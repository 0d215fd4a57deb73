package io.hyperstream.model.inference;

import io.hyperstream.model.family.FamilyModel;
import io.hyperstream.model.inference.InferenceException.Code;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.readout.LabelReadout;
import io.hyperstream.model.readout.ReadoutBatch;
import io.hyperstream.model.readout.RowEncoder;
import io.hyperstream.model.readout.TextReadout;
import io.hyperstream.model.readout.TextReadout.Written;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
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

  private final LabelReadout labels;
  private final RowEncoder encoder;
  private final Optional<TextReadout> text;

  Decoding(FamilyModel model) {
    this.labels = model.labels();
    this.encoder = model.rows();
    this.text = model.text();
  }

  /**
   * Refuses a task that no readout of this model answers. Any thread.
   *
   * @throws InferenceException INVALID_TASK
   */
  void check(TaskDefinition task) {
    switch (task.kind()) {
      case CLASSIFICATION -> {
        try {
          labels.check(task);
        } catch (IllegalArgumentException e) {
          throw new InferenceException(Code.INVALID_TASK, e.getMessage());
        }
      }
      case REGRESSION, GENERATION -> {
        if (text.isEmpty()) {
          throw new InferenceException(
              Code.INVALID_TASK,
              "it is of kind %s, and this model answers with labels only; a T5, such as starter-t5-mini, writes text"
                  .formatted(task.kind()));
        }
      }
    }
  }

  /** Whether rows of a task need their vectors to be answered. */
  boolean needsVectors(TaskRow row) {
    return row.hasHead() || labels.needsVectors();
  }

  /**
   * Answers the rows of an encoded batch.
   *
   * @param rows of the batch, sorted by kind, then by scoring
   * @param results where each row's answer goes, by the row's index
   */
  void answer(List<TaskRow> rows, ReadoutBatch batch, RowResult[] results) {
    for (int from = 0; from < rows.size(); ) {
      TaskDefinition first = rows.get(from).row().task();
      int to = from + 1;
      boolean scored = needsScores(rows.get(from));
      while (to < rows.size()
          && alike(first, rows.get(to).row().task())
          && needsScores(rows.get(to)) == scored) {
        to++;
      }
      List<TaskRow> some = rows.subList(from, to);
      ReadoutBatch part = batch.slice(from, to);
      switch (first.kind()) {
        case CLASSIFICATION -> classify(some, part, first.scoring(), scored, results);
        case REGRESSION, GENERATION -> write(some, part, results);
      }
      from = to;
    }
  }

  /** [rows][labels] log-scores of classification rows. */
  double[][] score(ReadoutBatch batch, LabelScoring scoring) {
    return labels.score(batch, scoring);
  }

  private static boolean alike(TaskDefinition a, TaskDefinition b) {
    return a.kind() == b.kind() && a.scoring() == b.scoring();
  }

  /** Label vectors alone may answer: then the decoder has nothing to do. */
  private static boolean needsScores(TaskRow row) {
    return !row.hasHead() || row.row().adapter().head().get().decoderWeight() != 0;
  }

  private void classify(
      List<TaskRow> rows,
      ReadoutBatch batch,
      LabelScoring scoring,
      boolean scored,
      RowResult[] results) {
    double[][] scores = scored ? labels.score(batch, scoring) : noScores(rows);
    for (int i = 0; i < scores.length; i++) {
      TaskRow row = rows.get(i);
      double[] logits = scores[i];
      OptionalDouble outOfScope = OptionalDouble.empty();
      if (row.hasHead()) {
        LabelHead head = row.row().adapter().head().get();
        LexicalVector words = row.row().words().get();
        float[] features = encoder.features(batch.vectors()[i]);
        LabelHead.Scores mixed = head.scores(row.row().task().labels(), logits, features, words);
        logits = mixed.logits();
        outOfScope = mixed.outOfScope();
      }
      results[row.index()] =
          classification(row.row(), logits, outOfScope, scored && scoring != LabelScoring.EXACT);
    }
  }

  private static double[][] noScores(List<TaskRow> rows) {
    return rows.stream()
        .map(row -> new double[row.row().task().labels().size()])
        .toArray(double[][]::new);
  }

  private static RowResult classification(
      PreparedRow row, double[] scores, OptionalDouble outOfScope, boolean approximate) {
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
    Optional<String> abstained = row.task().abstains(distribution[best]);
    return new TaskPrediction(
        TaskKind.CLASSIFICATION,
        abstained.isPresent() ? Optional.empty() : Optional.of(labels.get(best).name()),
        OptionalDouble.empty(),
        Optional.empty(),
        distribution[best],
        distribution,
        row.adapter().version(),
        row.adapter().taught(),
        row.input().truncated(),
        approximate,
        outOfScope,
        abstained);
  }

  private static RowFailure notFinite(PreparedRow row) {
    return new RowFailure(
        Code.MODEL_ERROR,
        "the scores are not finite: version %d of task '%s' is damaged or has diverged"
            .formatted(row.adapter().version(), row.task().taskId()));
  }

  private void write(List<TaskRow> rows, ReadoutBatch batch, RowResult[] results) {
    List<Written> written = text.orElseThrow().write(batch);
    for (int i = 0; i < written.size(); i++) {
      TaskRow row = rows.get(i);
      results[row.index()] = text(row.row(), written.get(i));
    }
  }

  private static RowResult text(PreparedRow row, Written written) {
    if (!Double.isFinite(written.logProbability())) {
      return notFinite(row);
    }
    OptionalDouble value = OptionalDouble.empty();
    if (row.task().kind() == TaskKind.REGRESSION) {
      value = number(written.text());
      if (value.isEmpty()) {
        return new RowFailure(
            Code.MODEL_ERROR,
            "task '%s' is a regression, and the model answered '%s', which is no number"
                .formatted(row.task().taskId(), written.text()));
      }
    }
    return new TaskPrediction(
        row.task().kind(),
        Optional.empty(),
        value,
        Optional.of(written.text()),
        (float) Math.exp(written.logProbability()),
        NO_DISTRIBUTION,
        row.adapter().version(),
        row.adapter().taught(),
        row.input().truncated(),
        false,
        OptionalDouble.empty(),
        Optional.empty());
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
    labels.trim();
  }

  @Override
  public void close() {
    labels.close();
  }
}
