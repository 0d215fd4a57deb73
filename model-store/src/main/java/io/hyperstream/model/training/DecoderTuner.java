package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.prototype.Prototypes;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.t5.LabelSpace;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * The two gradient stages of few-shot adaptation. Stage 1 moves the task embedding alone, the
 * hypernetwork is frozen; stage 2 moves the generated adapter weights themselves, pulled back
 * towards where they came from. The loss is the cross entropy over the candidate labels' scores,
 * which is what serving answers with, or the paper's loss over the label's tokens. One thread.
 */
final class DecoderTuner {
  /**
   * How to tune.
   *
   * @param pull share of the way back to the start per step, relative to the rate
   * @param languageModel the paper's loss over tokens instead of the candidates'
   */
  record Settings(int steps, double rate, int batch, double pull, boolean languageModel) {
    static Settings embedding(boolean languageModel) {
      return new Settings(40, 3e-2, 16, 0, languageModel);
    }

    static Settings weights(boolean languageModel) {
      return new Settings(40, 1e-3, 16, 0.5, languageModel);
    }
  }

  private static final double SMOOTHING = 0.05;

  private final FewShotModel model;
  private final TaskDefinition task;
  private final List<RowInput> inputs;
  private final int[] y;
  private final long seed;
  private final Runnable eachStep;

  /**
   * @param eachStep called before every step; what it throws ends the tuning
   */
  DecoderTuner(
      FewShotModel model,
      TaskDefinition task,
      List<RowInput> inputs,
      int[] y,
      long seed,
      Runnable eachStep) {
    this.model = model;
    this.task = task;
    this.inputs = inputs;
    this.y = y;
    this.seed = seed;
    this.eachStep = eachStep;
  }

  /** Stage 1: a better embedding for the chosen rows. */
  float[] embedding(float[] start, int[] chosen, Settings settings) {
    boolean recording = Ops.setRecording(true);
    try (NDManager manager = Ops.newManager();
        AdamW optimiser = new AdamW(AdamW.Config.paper())) {
      Parameter embedding = leaf(manager, "embedding", start, new Shape(1, start.length));
      NDArray origin = Ops.keep(embedding.value().duplicate());
      origin.attach(manager);
      tune(
          List.of(embedding),
          List.of(origin),
          () -> model.factory().generate(embedding.value()).get(0),
          chosen,
          settings,
          optimiser);
      return embedding.value().toFloatArray();
    } finally {
      Ops.setRecording(recording);
    }
  }

  /**
   * Stage 2: better adapter weights for the chosen rows, rounded to half precision as they travel;
   * to be closed by the caller.
   */
  AdapterWeights weights(AdapterWeights start, int[] chosen, Settings settings) {
    boolean recording = Ops.setRecording(true);
    try (NDManager manager = Ops.newManager();
        AdamW optimiser = new AdamW(AdamW.Config.paper())) {
      Map<String, NDArray> leaves = new LinkedHashMap<>();
      List<Parameter> parameters = new ArrayList<>();
      List<NDArray> origins = new ArrayList<>();
      start
          .arrays()
          .forEach(
              (name, array) -> {
                NDArray leaf = Autograd.leaf(manager, array);
                leaves.put(name, leaf);
                parameters.add(new Parameter(List.of(name), Optional.empty(), leaf));
                origins.add(array);
              });
      tune(
          parameters, origins, () -> model.factory().assemble(leaves), chosen, settings, optimiser);
      Ops.setRecording(false);
      try (NDScope scope = Ops.scope()) {
        scope.suppressNotUsedWarning();
        leaves.replaceAll(
            (name, leaf) -> leaf.toType(DataType.FLOAT16, true).toType(DataType.FLOAT32, true));
        return model.factory().assemble(leaves);
      }
    } finally {
      Ops.setRecording(recording);
    }
  }

  private static Parameter leaf(NDManager manager, String name, float[] values, Shape shape) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray leaf = Autograd.leaf(manager, manager.create(values, shape));
      return new Parameter(List.of(name), Optional.empty(), leaf);
    }
  }

  private void tune(
      List<Parameter> parameters,
      List<NDArray> origins,
      Supplier<AdapterWeights> adapters,
      int[] chosen,
      Settings settings,
      AdamW optimiser) {
    Random random = new Random(seed);
    Schedule schedule = Schedule.linear(settings.rate(), settings.steps() / 10, settings.steps());
    for (int step = 0; step < settings.steps(); step++) {
      int[] batch = sample(chosen, settings.batch(), random);
      eachStep.run();
      double rate = schedule.at(step);
      try (NDScope scope = Ops.scope()) {
        scope.suppressNotUsedWarning();
        NDArray loss = loss(adapters.get(), batch, settings);
        Autograd.backward(loss);
        try {
          optimiser.step(parameters, parameter -> true, rate);
        } catch (ArithmeticException e) {
          throw new ArithmeticException(
              e.getMessage() + "; step " + (step + 1) + ", loss " + loss.getFloat());
        }
        for (int i = 0; settings.pull() > 0 && i < origins.size(); i++) {
          double share = settings.pull() * rate / settings.rate() / settings.steps();
          Autograd.pull(parameters.get(i).value(), origins.get(i), share);
        }
      }
    }
  }

  /** Rows of a step: all of them, or a random part without repetition. */
  private static int[] sample(int[] chosen, int most, Random random) {
    int[] out = chosen.clone();
    for (int i = 0; i < Math.min(most, out.length); i++) {
      int j = i + random.nextInt(out.length - i);
      int swap = out[i];
      out[i] = out[j];
      out[j] = swap;
    }
    return out.length <= most ? out : Arrays.copyOf(out, most);
  }

  private NDArray loss(AdapterWeights weights, int[] batch, Settings settings) {
    int[] answers = IntStream.of(batch).map(row -> y[row]).toArray();
    AdapterHook hook = FewShotModel.hook(weights, batch.length);
    List<RowInput> rows = IntStream.of(batch).mapToObj(inputs::get).toList();
    Encoded encoded = model.encode(rows, hook);
    if (settings.languageModel()) {
      int[][] targets = IntStream.of(answers).mapToObj(this::target).toArray(int[][]::new);
      return Ops.mul(model.tokenLoss(encoded, targets, hook, SMOOTHING), 1f / batch.length);
    }
    NDManager manager = model.backbone().manager();
    long[] index = Arrays.stream(answers).asLongStream().toArray();
    double[] balanced = Prototypes.balanced(answers, task.labels().size());
    float[] counts = new float[batch.length];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = (float) (balanced[i] / batch.length);
    }
    boolean pairs = rows.get(0).parts().size() > 1;
    NDArray scores = model.differentiable(task, pairs).score(encoded, hook); // [B, L]
    return Losses.candidates(scores, manager.create(index), manager.create(counts), SMOOTHING);
  }

  private int[] target(int label) {
    String verbalizer = task.labels().get(label).verbalizer();
    return model.tokenizer().encode(verbalizer, LabelSpace.MAX_LABEL_TOKENS).ids();
  }
}
