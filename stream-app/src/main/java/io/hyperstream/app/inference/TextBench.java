package io.hyperstream.app.inference;

import io.hyperstream.model.bench.BenchRow;
import io.hyperstream.model.bench.Samples;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.TokenCounts;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Real texts through the engine's choice of batches and the model, without queues and threads. */
public final class TextBench {
  /** One text and its task. */
  public record Text(TaskDefinition task, String text, Optional<String> textPair) {}

  private final StoredModel stored;
  private final List<Text> texts;
  private final int waiting;
  private final int rounds;

  /**
   * @param waiting texts a batch is chosen from
   */
  public TextBench(StoredModel stored, List<Text> texts, int waiting, int rounds) {
    this.stored = stored;
    this.texts = List.copyOf(texts);
    this.waiting = waiting;
    this.rounds = rounds;
  }

  /** Measures with the engine's default settings. */
  public List<BenchRow> run() throws IOException {
    ModelOptions serving = ModelOptions.DEFAULT.withIntraOpThreads(Ops.threads());
    try (MultiTaskModel model = MultiTaskModel.open(stored, serving)) {
      BatchPolicy policy = new BatchPolicy(64, 8192, Duration.ZERO);
      double[] preparation = new double[rounds];
      double[] rate = new double[rounds];
      double[] tokenRate = new double[rounds];
      List<PreparedRow> rows = prepare(model);
      answer(model, policy, rows.subList(0, Math.min(rows.size(), waiting)));
      int batches = 0;
      TokenCounts counts = null;
      for (int round = 0; round < rounds; round++) {
        long start = System.nanoTime();
        rows = prepare(model);
        preparation[round] = (System.nanoTime() - start) / 1e3 / rows.size();
        TokenCounts before = model.tokenCounts();
        start = System.nanoTime();
        batches = answer(model, policy, rows);
        double seconds = (System.nanoTime() - start) / 1e9;
        counts = model.tokenCounts().since(before);
        rate[round] = rows.size() / seconds;
        tokenRate[round] = counts.asked() / seconds;
      }
      Map<String, Object> config = new LinkedHashMap<>();
      config.put("model", stored.reference());
      config.put("texts", rows.size());
      config.put("tasks", new LinkedHashSet<>(texts.stream().map(Text::task).toList()).size());
      config.put("waiting", waiting);
      config.put("threads", Ops.threads());
      return List.of(
          BenchRow.of("texts.rate", config, Samples.of(rate), "examples/s"),
          BenchRow.of("texts.tokens", config, Samples.of(tokenRate), "tokens/s"),
          BenchRow.of("texts.preparation", config, Samples.of(preparation), "us per text"),
          BenchRow.counted(
              "texts.length", config, (double) counts.asked() / rows.size(), "tokens per text"),
          BenchRow.counted(
              "texts.batch", config, (double) rows.size() / batches, "texts per batch"),
          BenchRow.counted("texts.shared", config, 100 * counts.shared(), "% of tokens"));
    }
  }

  private List<PreparedRow> prepare(MultiTaskModel model) {
    List<PreparedRow> rows = new ArrayList<>();
    for (Text text : texts) {
      rows.add(
          model.prepare(
              text.task(), model.startingAdapter(text.task()), text.text(), text.textPair()));
    }
    return rows;
  }

  /** Keeps so many texts waiting until there are no more; the number of batches. */
  private int answer(MultiTaskModel model, BatchPolicy policy, List<PreparedRow> rows) {
    List<PreparedRow> queue = new ArrayList<>();
    int next = 0;
    int batches = 0;
    while (next < rows.size() || !queue.isEmpty()) {
      while (queue.size() < waiting && next < rows.size()) {
        queue.add(rows.get(next++));
      }
      int rowCount = policy.count(queue.stream().mapToInt(r -> r.tokens()).toArray());
      List<PreparedRow> batch = queue.subList(0, rowCount);
      model.predict(List.copyOf(batch));
      batch.clear();
      batches++;
    }
    return batches;
  }
}
