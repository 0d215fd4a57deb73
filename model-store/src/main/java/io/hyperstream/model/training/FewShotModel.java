package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.ShardedSafetensors;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.OverlaidTensors;
import io.hyperstream.model.inference.StartingAdapters;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LexicalFeatures;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.AdapterHook;
import io.hyperstream.model.t5.CrossMemory;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.task.LabelSpace;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.Tokenizer;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A frozen model as the few-shot trainer sees it: label scores and pooled encoder states of texts
 * under any adapters. Immutable; one thread at a time.
 */
public final class FewShotModel implements AutoCloseable {
  /** Rows of one pass, at most. */
  static final int MAX_ROWS = 64;

  /** Bound activations: rows times decoder positions, and source tokens, of one pass. */
  private static final int MAX_POSITIONS = 1024;

  private static final int MAX_TOKENS = 4096;

  private final T5 t5;
  private final Optional<AdapterFactory> factory;
  private final StartingAdapters starts;
  private final Tokenizer tokenizer;
  private final LexicalFeatures lexical;
  private final int maxSource;

  /**
   * What a pass over rows gives.
   *
   * @param scores [rows][labels] log-scores as serving computes them; empty rows if not asked for
   * @param pooled [rows][d] encoder states averaged over the tokens
   */
  record Outputs(double[][] scores, float[][] pooled) {

    /** What a version answers for a row: [labels]. */
    double[] probabilities(
        TaskDefinition task, Optional<LabelHead> head, int row, LexicalVector words) {
      return Stacking.softmax(
          head.isEmpty()
              ? scores[row]
              : head.get().logits(task.labels(), scores[row], pooled[row], words));
    }
  }

  private FewShotModel(
      T5 t5, Optional<AdapterFactory> factory, Tokenizer tokenizer, int maxSource) {
    this.t5 = t5;
    this.factory = factory;
    starts = new StartingAdapters(factory);
    this.tokenizer = tokenizer;
    lexical = new LexicalFeatures(tokenizer);
    this.maxSource = maxSource;
  }

  /**
   * Loads a model; its weights are mapped, so that serving the same files costs little more.
   *
   * @throws CheckpointException if a file is not what it should be
   */
  public static FewShotModel open(StoredModel model) throws IOException {
    return open(model, model.manifest().card().maxSourceTokens());
  }

  /** The same for inputs of at most so many tokens. */
  public static FewShotModel open(StoredModel model, int maxSource) throws IOException {
    HuggingFaceLayout backbone = model.backbone();
    T5Config config = T5Config.read(backbone.config());
    TensorSource weights = ShardedSafetensors.openFolder(backbone.directory());
    Optional<AdapterFactory> factory = Optional.empty();
    if (model.hypernetwork().isPresent()) {
      Path folder = model.hypernetwork().get();
      TensorSource trained = Safetensors.open(folder.resolve(Manifest.HYPERNETWORK_WEIGHTS));
      AdapterConfig adapters = AdapterConfig.read(folder.resolve(Manifest.ADAPTER_CONFIG));
      factory = Optional.of(AdapterFactory.load(config, adapters, trained));
      weights = new OverlaidTensors(trained, weights);
    }
    Tokenizer tokenizer = Tokenizer.open(backbone.tokenizer());
    return new FewShotModel(T5.load(config, weights), factory, tokenizer, maxSource);
  }

  /** What the model serves a task with before any version is published. */
  public TaskAdapter startingAdapter(TaskDefinition task) {
    return starts.of(task);
  }

  T5 t5() {
    return t5;
  }

  LexicalFeatures lexical() {
    return lexical;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  int maxSource() {
    return maxSource;
  }

  /** The hypernetworks. */
  AdapterFactory factory() {
    return factory
        .filter(f -> f.config().kind() != AdapterConfig.Kind.PLAIN)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "this model has no hypernetwork: a task embedding cannot be adapted"));
  }

  /** Embeddings of the tasks the model was trained on. */
  Map<String, float[]> knownEmbeddings() {
    return factory().taskEmbeddings();
  }

  /**
   * The probabilities of a task's labels as a version of it is served; the examples' own labels are
   * not looked at.
   *
   * @return [rows][labels]
   * @throws CheckpointException if the version does not belong to this model
   */
  public double[][] predict(TaskDefinition task, TaskAdapter adapter, List<Example> examples) {
    try (AdapterWeights weights =
        factory.isEmpty()
            ? AdapterWeights.NONE
            : factory.get().make(List.of(adapter.form())).get(0)) {
      int[][] inputs = TaskData.inputs(task, examples, tokenizer, maxSource);
      Outputs outputs = run(weights, inputs, scorer(task));
      double[][] out = new double[inputs.length][];
      for (int i = 0; i < out.length; i++) {
        Example example = examples.get(i);
        LexicalVector words = lexical.of(example.text(), example.textPair());
        out[i] = outputs.probabilities(task, adapter.head(), i, words);
      }
      return out;
    }
  }

  CandidateScorer scorer(TaskDefinition task) {
    LabelSpace labels = LabelSpace.of(task.labels(), tokenizer, t5.config().decoderStartId());
    return new CandidateScorer(t5, labels);
  }

  /** One adapter for all rows: nothing is gathered, so there is nothing to close. */
  static AdapterHook hook(AdapterWeights weights, int rows) {
    return weights == AdapterWeights.NONE
        ? AdapterHook.NONE
        : BatchAdapters.of(Collections.nCopies(rows, weights));
  }

  /**
   * Runs rows through the model without recording.
   *
   * @param scorer null if only pooled states are wanted
   */
  Outputs run(AdapterWeights weights, int[][] inputs, CandidateScorer scorer) {
    Integer[] order = byLength(inputs);
    int[][] sorted = Arrays.stream(order).map(i -> inputs[i]).toArray(int[][]::new);
    Outputs ran = run(Collections.nCopies(sorted.length, weights), sorted, scorer);
    Outputs out = new Outputs(new double[sorted.length][], new float[sorted.length][]);
    for (int i = 0; i < order.length; i++) {
      out.scores[order[i]] = ran.scores[i];
      out.pooled[order[i]] = ran.pooled[i];
    }
    return out;
  }

  /** Row numbers, the shortest row's first. */
  static Integer[] byLength(int[][] inputs) {
    Integer[] order = new Integer[inputs.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingInt(i -> inputs[i].length));
    return order;
  }

  /**
   * The same with adapters of each row's own. Rows are batched as they come: best in runs of the
   * same adapters, and of about the same length.
   */
  Outputs run(List<AdapterWeights> weights, int[][] inputs, CandidateScorer scorer) {
    Outputs out = new Outputs(new double[inputs.length][], new float[inputs.length][]);
    int most =
        scorer == null ? MAX_ROWS : Math.max(1, Math.min(MAX_ROWS, MAX_POSITIONS / scorer.nodes()));
    boolean recording = Ops.setRecording(false);
    try {
      for (int from = 0; from < inputs.length; ) {
        int to = from + 1;
        int longest = inputs[from].length;
        while (to < inputs.length
            && to - from < most
            && (to + 1 - from) * Math.max(longest, inputs[to].length) <= MAX_TOKENS) {
          longest = Math.max(longest, inputs[to].length);
          to++;
        }
        batch(weights, inputs, from, to, scorer, out);
        from = to;
      }
      return out;
    } finally {
      Ops.setRecording(recording);
    }
  }

  private void batch(
      List<AdapterWeights> weights,
      int[][] inputs,
      int from,
      int to,
      CandidateScorer scorer,
      Outputs out) {
    try (NDScope scope = Ops.scope();
        BatchAdapters hook = BatchAdapters.of(weights.subList(from, to))) {
      scope.suppressNotUsedWarning();
      int[][] part = Arrays.copyOfRange(inputs, from, to);
      NDArray mask = TrainingBatch.mask(t5.manager(), part, false); // [B, S]
      NDArray encoded = t5.encode(TrainingBatch.padded(t5.manager(), part), mask, hook);
      float[] pooled = T5.pool(encoded, mask).toFloatArray();
      int width = t5.config().dModel();
      for (int i = 0; i < part.length; i++) {
        out.pooled[from + i] = Arrays.copyOfRange(pooled, i * width, (i + 1) * width);
      }
      if (scorer != null) {
        float[] scores = scorer.score(t5.attendTo(encoded, mask), hook).toFloatArray();
        int labels = scorer.labels();
        for (int i = 0; i < part.length; i++) {
          out.scores[from + i] = new double[labels];
          for (int l = 0; l < labels; l++) {
            out.scores[from + i][l] = scores[i * labels + l];
          }
        }
      }
    }
  }

  /** Encodes rows for the decoder; part of the graph while the thread records. */
  CrossMemory encode(int[][] inputs, AdapterHook hook) {
    NDArray mask = TrainingBatch.mask(t5.manager(), inputs, false);
    return t5.attendTo(t5.encode(TrainingBatch.padded(t5.manager(), inputs), mask, hook), mask);
  }

  /** The label-smoothed sum over target tokens: the paper's loss. */
  NDArray tokenLoss(CrossMemory memory, int[][] targets, AdapterHook hook, double smoothing) {
    int[][] shifted = TrainingBatch.shifted(targets, t5.config().decoderStartId());
    NDArray labels = TrainingBatch.padded(t5.manager(), targets); // [B, N]
    int length = (int) labels.getShape().get(1);
    NDArray input = TrainingBatch.padded(t5.manager(), shifted);
    NDArray hidden = t5.decode(input, t5.causal(length), memory, hook); // [B, N, d]
    NDArray mask = TrainingBatch.mask(t5.manager(), targets, true);
    return Losses.labelSmoothedSum(t5.logits(hidden), labels, mask, smoothing);
  }

  @Override
  public void close() {
    tokenizer.close();
    factory.ifPresent(AdapterFactory::close);
    t5.close();
  }
}
