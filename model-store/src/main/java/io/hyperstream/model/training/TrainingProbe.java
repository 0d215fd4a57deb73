package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * One batch with random weights, to measure what training costs beside a forward pass of the same
 * batch. One thread.
 */
public final class TrainingProbe implements AutoCloseable {
  private static final String TASK = "probe";
  private static final double DROPOUT = 0.1;
  private static final double SMOOTHING = 0.1;

  private final TrainingModel model;
  private final AdamW optimiser = new AdamW(AdamW.Config.paper());
  private final TrainingBatch batch;

  /**
   * @param rows of the batch
   * @param sourceTokens of each row
   * @param targetTokens of each row
   */
  public TrainingProbe(
      T5Config config, Preset preset, int rows, int sourceTokens, int targetTokens) {
    InitialWeights weights =
        new InitialWeights(InitialWeights.nothing(), InitialWeights.reference(config), 1);
    Optional<AdapterConfig> adapters = preset.adapters(List.of(TASK), Preset.REDUCTION_FACTOR);
    model = T5Training.load(config, weights, adapters, weights, preset.trainable());
    int[] source = new int[sourceTokens];
    int[] target = new int[targetTokens];
    Arrays.setAll(source, i -> 2 + i % (config.vocabSize() - 2));
    Arrays.setAll(target, i -> 2 + i % (config.vocabSize() - 2));
    int[][] inputs = Collections.nCopies(rows, source).toArray(int[][]::new);
    int[][] targets = Collections.nCopies(rows, target).toArray(int[][]::new);
    batch = new TrainingBatch(Collections.nCopies(rows, TASK), inputs, targets);
  }

  /** The loss, without a gradient. */
  public double forward() {
    boolean recording = Ops.setRecording(false);
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      return model.loss(batch, SMOOTHING, 0).getFloat();
    } finally {
      Ops.setRecording(recording);
    }
  }

  /** A step of training: loss, gradient, update. */
  public double step() {
    boolean recording = Ops.setRecording(true);
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray loss = model.loss(batch, SMOOTHING, DROPOUT);
      Autograd.backward(loss);
      optimiser.step(model.parameters(), TrainingModel.participates(batch.tasks()), 1e-4);
      return loss.getFloat();
    } finally {
      Ops.setRecording(recording);
    }
  }

  /** Source and target tokens of the batch. */
  public int tokens() {
    return Math.toIntExact(batch.tokens());
  }

  /** Numbers that are trained. */
  public long trainedValues() {
    return model.trainedValues();
  }

  @Override
  public void close() {
    optimiser.close();
    model.close();
  }
}
