package io.hyperstream.app.cli;

import io.hyperstream.model.bench.Batches;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.TaskDefinition;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The engine without a pipeline around it: the texts prepared beforehand, sorted by length, cut
 * into the largest batches allowed. It knows all texts in advance, so no pipeline forms better
 * batches. One thread.
 */
final class EngineBaseline implements AutoCloseable {
  private final MultiTaskModel model;
  private final List<List<PreparedRow>> batches;
  private final List<Double> fullBatchMillis = new ArrayList<>();
  private final int maxRows;
  private final int texts;
  private final int threads;
  private double cpuMillisPerText;

  /**
   * @param threads of the model's arithmetic
   */
  EngineBaseline(StoredModel stored, BenchTexts texts, int threads, int maxRows, int maxTokens)
      throws IOException {
    this.maxRows = maxRows;
    this.threads = threads;
    this.texts = texts.texts().size();
    model =
        MultiTaskModel.open(
            stored, ModelOptions.DEFAULT.withIntraOpThreads(threads).withMaxBatchTokens(maxTokens));
    List<PreparedRow> rows = new ArrayList<>();
    for (BenchTexts.Text text : texts.texts()) {
      TaskDefinition task = Definitions.toModel(text.task());
      rows.add(model.prepare(task, model.startingAdapter(task), text.text(), text.textPair()));
    }
    batches = Batches.byLength(rows, maxRows, maxTokens);
  }

  String modelId() {
    return model.modelId();
  }

  /** Answers all texts again and again for about so long; texts per second. */
  double run(double seconds) {
    double cpu = cpuMillis();
    long start = System.nanoTime();
    long end = start;
    int passes = 0;
    while (passes == 0 || end - start < seconds * 1e9) {
      for (List<PreparedRow> batch : batches) {
        long began = System.nanoTime();
        model.predict(batch);
        end = System.nanoTime();
        if (batch.size() == maxRows || batches.size() == 1) {
          fullBatchMillis.add((end - began) / 1e6);
        }
      }
      passes++;
    }
    cpuMillisPerText = (cpuMillis() - cpu) / ((double) passes * texts);
    return (double) passes * texts * 1e9 / (end - start);
  }

  /** Milliseconds of processor time of each text of the last {@link #run}. */
  double cpuMillisPerText() {
    return cpuMillisPerText;
  }

  /**
   * This thread's, if it does all the arithmetic; else this process's, in which little else runs.
   */
  private double cpuMillis() {
    return threads == 1
        ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1e6
        : ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toMillis();
  }

  /** Milliseconds of each full batch so far. */
  double[] fullBatchMillis() {
    return fullBatchMillis.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @Override
  public void close() {
    model.close();
  }
}
