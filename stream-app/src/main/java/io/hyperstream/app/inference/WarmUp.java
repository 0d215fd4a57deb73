package io.hyperstream.app.inference;

import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.Predictor;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.RowFailure;
import io.hyperstream.model.inference.RowResult;
import io.hyperstream.model.task.TaskDefinition;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * Runs the model before the first request, on the longest input there is, and measures it on texts
 * of about {@value #WORDS} words. Where all texts are as long as the model reads, a pass takes up
 * to four times as long as was measured, and a transaction has time for that. Stops early on a slow
 * model.
 */
final class WarmUp {
  private static final long LONG_ENOUGH_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int WORDS = 120;
  private static final int LONGEST = 4_000; // more than a model reads
  private static final String WORD = " word";

  private final Predictor predictor;
  private final TaskDefinition task = TaskDefinition.classification("any", List.of("yes", "no"));
  private final TaskAdapter adapter;

  WarmUp(Predictor predictor) {
    this.predictor = predictor;
    adapter = predictor.startingAdapter(task);
  }

  /**
   * A row this model answers.
   *
   * @param tokens how long it is, about; not longer than what the warm-up has shown memory for
   */
  PreparedRow canary(int tokens) {
    int words = Math.max(1, Math.min(tokens, LONGEST));
    return predictor.prepare(task, adapter, "a" + WORD.repeat(words - 1), Optional.empty());
  }

  /** Tokens of a row that is measured. */
  int tokens() {
    return row(0, WORDS).tokens();
  }

  /** Each of another text: equal ones would be computed once. */
  private PreparedRow row(int index, int words) {
    return predictor.prepare(task, adapter, index + WORD.repeat(words), Optional.empty());
  }

  /**
   * Rows per second, the best of batches that grow as long as the next is likely to end in time.
   * The best, because a busy machine (all start at once after a power cut) disturbs only downwards
   * and what is found here holds until the next start.
   *
   * @throws IllegalStateException if the model does not answer: no request would be
   */
  double rowsPerSecond(BatchPolicy policy) {
    int most = Math.max(1, Math.min(policy.maxRows(), policy.maxTokens() / tokens()));
    List<PreparedRow> measured =
        IntStream.range(0, most).mapToObj(index -> row(index, WORDS)).toList();
    // Loads and compiles, and shows that there is memory for the longest; not measured.
    requireAnswers(predictor.predict(List.of(row(0, LONGEST))));
    double best = 0;
    long elapsed = 0;
    long next = 0;
    for (int rows = 1, last = 0; rows > last && elapsed + next < LONG_ENOUGH_NANOS; ) {
      long start = System.nanoTime();
      List<RowResult> results = predictor.predict(measured.subList(0, rows));
      long nanos = Math.max(1, System.nanoTime() - start);
      requireAnswers(results);
      best = Math.max(best, rows * (double) TimeUnit.SECONDS.toNanos(1) / nanos);
      elapsed += nanos;
      next = 4 * nanos;
      last = rows;
      rows = Math.min(most, 4 * rows);
    }
    return best;
  }

  private void requireAnswers(List<RowResult> results) {
    for (RowResult result : results) {
      if (result instanceof RowFailure failure) {
        throw new IllegalStateException(
            "model %s does not answer the texts it is warmed up with (%s); get it again, or name another"
                .formatted(predictor.modelId(), failure.message()));
      }
    }
  }
}
