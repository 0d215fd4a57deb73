package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Backbone;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.family.FamilyModel;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.LoadedModel;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.StartingAdapters;
import io.hyperstream.model.prototype.HeadForm;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LexicalFeatures;
import io.hyperstream.model.prototype.LexicalVector;
import io.hyperstream.model.readout.LabelReadout;
import io.hyperstream.model.readout.ReadoutBatch;
import io.hyperstream.model.readout.RowEncoder;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Workers;
import io.hyperstream.model.tokenize.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * A frozen model as the few-shot trainer sees it: label scores and vectors of texts under any
 * adapters. Immutable; one thread at a time.
 */
public final class FewShotModel implements AutoCloseable {
  /** The start that is no task: the mean of all. */
  static final String MEAN = "mean";

  /** The backbone without adapters; the only start of a model without a hypernetwork. */
  static final String BARE = "bare";

  /** The starts that are no task. */
  static final Set<String> UNSEEN = Set.of(AdapterConfig.GENERIC, MEAN, BARE);

  /** A task that changes nothing about its texts. */
  private static final TaskDefinition ANY_TEXT =
      TaskDefinition.classification("any-text", List.of("yes", "no"));

  /** Rows of one pass, at most. */
  static final int MAX_ROWS = 64;

  /** Bounds activations: source tokens of one pass. */
  private static final int MAX_TOKENS = 4096;

  private final LoadedModel loaded;
  private final Runnable whole; // frees what is loaded, or gives it back
  private final FamilyModel family;
  private final StartingAdapters starts;
  private final LabelReadout labels;
  private final LexicalFeatures lexical;

  /**
   * What a pass over rows gives.
   *
   * @param scores [rows][labels] log-scores as serving computes them; empty rows if not asked for
   * @param vectors [rows][..] all that is kept of the rows
   * @param encoder what made them
   */
  record Outputs(double[][] scores, float[][] vectors, RowEncoder encoder) {
    /** What a version answers for a row: [labels]. */
    double[] probabilities(
        TaskDefinition task, Optional<LabelHead> head, int row, LexicalVector words) {
      return Stacking.softmax(mixed(task, head, row, words).logits());
    }

    LabelHead.Scores mixed(
        TaskDefinition task, Optional<LabelHead> head, int row, LexicalVector words) {
      return head.map(h -> h.scores(task.labels(), scores[row], features(row), words))
          .orElseGet(() -> new LabelHead.Scores(scores[row], OptionalDouble.empty()));
    }

    /** [rows][..], what label vectors are fitted over. */
    float[][] features() {
      return Arrays.stream(vectors).map(encoder::features).toArray(float[][]::new);
    }

    private float[] features(int row) {
      return encoder.features(vectors[row]);
    }
  }

  private static final long MOST_KEPT_BYTES = 64L << 20;

  private final Map<String, AdapterWeights> kept = new HashMap<>(); // of starts
  private long keptBytes;

  private FewShotModel(LoadedModel loaded, Runnable whole) {
    this.loaded = loaded;
    this.whole = whole;
    this.family = loaded.family();
    this.starts = new StartingAdapters(loaded);
    this.lexical = family.lexical();
    this.labels = family.labels(); // last: it has to be closed
  }

  /**
   * Loads a model of its own; where another thread serves it, see {@link #beside}.
   *
   * @throws CheckpointException if a file is not what it should be
   */
  public static FewShotModel open(StoredModel model) throws IOException {
    return open(model, ModelOptions.DEFAULT);
  }

  /** The same with other limits or another precision. */
  public static FewShotModel open(StoredModel model, ModelOptions options) throws IOException {
    ModelCard card = model.manifest().card();
    return of(LoadedModel.open(model, Optional.empty(), options.readouts(card)));
  }

  /** A model that is loaded already and closed with this. */
  public static FewShotModel of(LoadedModel loaded) {
    return of(loaded, loaded::close);
  }

  /**
   * The weights another thread serves from. They stay loaded until both are closed; inputs are cut
   * where serving cuts them.
   *
   * @throws IllegalStateException if that model is closed
   */
  public static FewShotModel beside(MultiTaskModel serving) {
    MultiTaskModel.Loan loan = serving.lend();
    return of(loan.model(), loan::close);
  }

  private static FewShotModel of(LoadedModel loaded, Runnable whole) {
    try {
      return new FewShotModel(loaded, whole);
    } catch (RuntimeException | Error e) {
      whole.run();
      throw e;
    }
  }

  /** What the model serves a task with before any version is published. */
  public TaskAdapter startingAdapter(TaskDefinition task) {
    return starts.of(task);
  }

  Backbone backbone() {
    return family.backbone();
  }

  HeadForm heads() {
    return family.heads();
  }

  RowEncoder rows() {
    return family.rows();
  }

  LexicalFeatures lexical() {
    return lexical;
  }

  Tokenizer tokenizer() {
    return family.tokenizer();
  }

  private Optional<AdapterFactory> hyperNetwork() {
    return loaded.adapters().filter(f -> f.config().kind() != AdapterConfig.Kind.PLAIN);
  }

  /** The hypernetworks. */
  AdapterFactory factory() {
    return hyperNetwork()
        .orElseThrow(() -> new IllegalStateException("a model without a hypernetwork"));
  }

  /**
   * What a task may start from, by name: the tasks the model was trained on, what was trained for
   * tasks nobody has seen or, without that, the mean of all, and the bare backbone if that can
   * answer by itself.
   */
  Map<String, AdapterForm> starts() {
    Map<String, AdapterForm> out = new LinkedHashMap<>();
    Map<String, float[]> known =
        hyperNetwork().map(AdapterFactory::taskEmbeddings).orElse(Map.of());
    known.forEach((task, embedding) -> out.put(task, new AdapterForm.Embedding(embedding)));
    if (known.isEmpty() || family.answersBare()) {
      out.put(BARE, initialAdapter());
    } else if (!known.containsKey(AdapterConfig.GENERIC)) {
      out.put(MEAN, initialAdapter());
    }
    return out;
  }

  /** The start of a task that nobody has seen. */
  AdapterForm initialAdapter() {
    return starts.ofNoTask();
  }

  /** Adapters of some forms, each to be closed by the caller. */
  List<AdapterWeights> weights(List<AdapterForm> forms) {
    return starts.make(forms);
  }

  /**
   * The adapters of {@link #starts}, kept until this is closed as far as {@link #MOST_KEPT_BYTES}
   * go: every new text is run under most of them, and making them takes as long as that.
   */
  Map<String, AdapterWeights> startWeights(
      Collection<String> names, Map<String, AdapterForm> forms) {
    List<String> missing = names.stream().filter(name -> !kept.containsKey(name)).toList();
    List<AdapterWeights> made = weights(missing.stream().map(forms::get).toList());
    Map<String, AdapterWeights> out = new HashMap<>();
    for (int i = 0; i < missing.size(); i++) {
      AdapterWeights weights = made.get(i);
      out.put(missing.get(i), weights);
      if (keptBytes + weights.bytes() <= MOST_KEPT_BYTES) {
        kept.put(missing.get(i), weights);
        keptBytes += weights.bytes();
      }
    }
    names.stream().filter(kept::containsKey).forEach(name -> out.put(name, kept.get(name)));
    return out;
  }

  /** Frees those that are not kept. */
  void release(Map<String, AdapterWeights> used) {
    used.forEach(
        (name, weights) -> {
          if (kept.get(name) != weights) {
            weights.close();
          }
        });
  }

  /**
   * The probabilities of a task's labels as a version of it is served; the examples' own labels are
   * not looked at.
   *
   * @return [rows][labels]
   * @throws CheckpointException if the version does not belong to this model
   */
  public double[][] predict(TaskDefinition task, TaskAdapter adapter, List<Example> examples) {
    try (AdapterWeights weights = weights(List.of(adapter.form())).get(0)) {
      Outputs outputs = run(weights, inputs(task, examples), Optional.of(task));
      double[][] out = new double[examples.size()][];
      for (int i = 0; i < out.length; i++) {
        Example example = examples.get(i);
        LexicalVector words = lexical.of(example.text(), example.textPair());
        out[i] = outputs.probabilities(task, adapter.head(), i, words);
      }
      return out;
    }
  }

  /**
   * What the encoder reads of examples.
   *
   * @throws IllegalArgumentException if a second text is missing
   */
  List<RowInput> inputs(TaskDefinition task, List<Example> examples) {
    List<RowInput> inputs = new ArrayList<>();
    for (Example example : examples) {
      if (task.templateOf(example.textPair().isPresent()).needsPair()
          && example.textPair().isEmpty()) {
        throw new IllegalArgumentException(
            "task '%s' compares two texts; example %d has one"
                .formatted(task.taskId(), inputs.size() + 1));
      }
      inputs.add(family.rows().encode(task, example.text(), example.textPair()));
    }
    return inputs;
  }

  /** [texts][d] embeddings of single texts under the bare backbone, of length 1. */
  public float[][] embed(List<String> texts) {
    List<RowInput> inputs =
        texts.stream().map(text -> family.rows().encode(ANY_TEXT, text, Optional.empty())).toList();
    float[][] vectors = run(AdapterWeights.NONE, inputs, Optional.empty()).vectors();
    return Arrays.stream(vectors).map(family.rows()::embedding).toArray(float[][]::new);
  }

  /** A task's label scores for training. */
  LabelReadout.Differentiable differentiable(TaskDefinition task, boolean pairs) {
    return labels.differentiable(task, pairs);
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
   * @param scored whose labels are scored; empty if only vectors are wanted
   */
  Outputs run(AdapterWeights weights, List<RowInput> inputs, Optional<TaskDefinition> scored) {
    Integer[] order = byLength(inputs);
    List<RowInput> sorted = Arrays.stream(order).map(inputs::get).toList();
    Outputs ran = run(Collections.nCopies(sorted.size(), weights), sorted, scored);
    Outputs out =
        new Outputs(new double[sorted.size()][], new float[sorted.size()][], family.rows());
    for (int i = 0; i < order.length; i++) {
      out.scores[order[i]] = ran.scores[i];
      out.vectors[order[i]] = ran.vectors[i];
    }
    return out;
  }

  /** Whether a row's vector is all that its scores are read off. */
  boolean scoresVectors() {
    return labels.needsVectors();
  }

  /**
   * The scores of rows whose vectors are known; only where {@link #scoresVectors}.
   *
   * @param weights [rows] adapters the vectors were made under
   * @param vectors [rows]
   * @return [rows][labels]
   */
  double[][] scores(List<AdapterWeights> weights, float[][] vectors, TaskDefinition task) {
    boolean recording = Ops.setRecording(false);
    try (NDScope scope = Ops.scope();
        BatchAdapters hook = BatchAdapters.of(weights)) {
      scope.suppressNotUsedWarning();
      List<TaskDefinition> tasks = Collections.nCopies(vectors.length, task);
      ReadoutBatch batch = new ReadoutBatch(tasks, List.of(), vectors, hook);
      return labels.score(batch, LabelScoring.EXACT);
    } finally {
      labels.trim();
      Ops.setRecording(recording);
    }
  }

  /** Row numbers, the shortest row's first. */
  static Integer[] byLength(List<RowInput> inputs) {
    Integer[] order = new Integer[inputs.size()];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingInt(i -> inputs.get(i).longest()));
    return order;
  }

  /**
   * The same with adapters of each row's own. Rows are batched as they come: best in runs of the
   * same adapters, and of about the same length.
   */
  Outputs run(
      List<AdapterWeights> weights, List<RowInput> inputs, Optional<TaskDefinition> scored) {
    Outputs out =
        new Outputs(new double[inputs.size()][], new float[inputs.size()][], family.rows());
    boolean recording = Ops.setRecording(false);
    try {
      for (int from = 0; from < inputs.size(); ) {
        int to = from + 1;
        int longest = inputs.get(from).longest();
        while (to < inputs.size()
            && to - from < MAX_ROWS
            && (to + 1 - from) * Math.max(longest, inputs.get(to).longest()) <= MAX_TOKENS) {
          longest = Math.max(longest, inputs.get(to).longest());
          to++;
        }
        batch(weights.subList(from, to), inputs.subList(from, to), scored, from, out);
        labels.trim();
        from = to;
      }
      return out;
    } finally {
      Ops.setRecording(recording);
    }
  }

  private void batch(
      List<AdapterWeights> weights,
      List<RowInput> inputs,
      Optional<TaskDefinition> scored,
      int from,
      Outputs out) {
    try (NDScope scope = Ops.scope();
        BatchAdapters hook = BatchAdapters.of(weights)) {
      scope.suppressNotUsedWarning();
      List<TaskDefinition> tasks = Collections.nCopies(inputs.size(), scored.orElse(null));
      ReadoutBatch batch =
          ReadoutBatch.encode(
              family.backbone(), family.rows(), tasks, inputs, hook, true, Workers.NONE);
      System.arraycopy(batch.vectors(), 0, out.vectors, from, inputs.size());
      if (scored.isPresent()) {
        double[][] scores = labels.score(batch, LabelScoring.EXACT);
        System.arraycopy(scores, 0, out.scores, from, scores.length);
      }
    }
  }

  /**
   * Encodes rows for training; part of the graph while the thread records. Of a row of several
   * sequences the last is read, which has both texts of a pair.
   */
  Encoded encode(List<RowInput> inputs, AdapterHook hook) {
    List<TokenSequence> last =
        inputs.stream()
            .map(RowInput::sequences)
            .map(sequences -> sequences.get(sequences.size() - 1))
            .toList();
    return backbone().encode(TokenBatch.of(backbone(), last), hook);
  }

  /**
   * The label-smoothed sum over target tokens: the paper's loss.
   *
   * @throws IllegalArgumentException if the model has no decoder
   */
  NDArray tokenLoss(Encoded encoded, int[][] targets, AdapterHook hook, double smoothing) {
    if (!(backbone() instanceof T5 t5)) {
      throw new IllegalArgumentException(
          "a loss over target tokens needs a decoder; this model has none");
    }
    int[][] shifted = TrainingBatch.shifted(targets, t5.config().decoderStartId());
    NDArray labelIds = TrainingBatch.padded(t5.manager(), targets); // [B, N]
    int length = (int) labelIds.getShape().get(1);
    NDArray input = TrainingBatch.padded(t5.manager(), shifted);
    NDArray hidden = t5.decode(input, t5.causal(length), t5.attendTo(encoded), hook); // [B, N, d]
    NDArray mask = TrainingBatch.mask(t5.manager(), targets, true);
    return Losses.labelSmoothedSum(t5.logits(hidden), labelIds, mask, smoothing);
  }

  @Override
  public void close() {
    kept.values().forEach(AdapterWeights::close);
    labels.close();
    whole.run();
  }
}
