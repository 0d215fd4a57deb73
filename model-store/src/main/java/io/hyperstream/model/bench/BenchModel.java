package io.hyperstream.model.bench;

import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Backbone;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.bert.Bert;
import io.hyperstream.model.bert.BertConfig;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.evaluation.RandomWeights;
import io.hyperstream.model.family.FamilyModel;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterForm;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.LoadedModel;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.inference.MultiTaskModel;
import io.hyperstream.model.inference.PreparedRow;
import io.hyperstream.model.inference.RowFailure;
import io.hyperstream.model.inference.RowResult;
import io.hyperstream.model.store.StarterModel;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.LabelSpace;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Family;
import io.hyperstream.model.task.Label;
import io.hyperstream.model.task.LabelScoring;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import io.hyperstream.model.tokenize.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** A model to be measured, and rows and tasks of any size for it. Not thread-safe. */
final class BenchModel implements AutoCloseable {
  private static final int MAX_TOKENS = 512;

  final String label;
  final MultiTaskModel model;
  private final Tokenizer tokenizer;
  private final List<String> words = new ArrayList<>();

  private BenchModel(String label, MultiTaskModel model) throws IOException {
    this.label = label;
    this.model = model;
    this.tokenizer = model.loaded().family().tokenizer();
    try (SentencePieceTokenizer english = StarterModel.openTokenizer()) {
      for (int id = 3; id < english.size(); id++) {
        String word = english.decode(new int[] {id});
        if (word.matches("[a-z]{3,}") && tokenizer.pieces(word).length == 1) {
          words.add(word); // one token
        }
      }
    }
  }

  static BenchModel open(BenchSource source, ModelOptions options) {
    try {
      return source.stored().isPresent()
          ? stored(source.stored().get(), options)
          : random(source.shape().orElseThrow(), options);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static BenchModel stored(StoredModel stored, ModelOptions options) throws IOException {
    return new BenchModel(stored.reference(), MultiTaskModel.open(stored, options));
  }

  /** The shape's vocabulary is larger than the tokenizer's; its output is computed in full. */
  private static BenchModel random(ModelShape shape, ModelOptions options) throws IOException {
    RandomWeights weights = new RandomWeights(1);
    ModelCard card = new ModelCard(MAX_TOKENS, MAX_TOKENS, Map.of(), "", "", "");
    FamilyModel t5 =
        T5Family.of(
            StarterModel.openTokenizer(), T5.load(shape.t5(), weights), options.readouts(card));
    AdapterFactory factory = AdapterFactory.load(shape.t5().shape(), shape.adapters(), weights);
    LoadedModel loaded = new LoadedModel(t5, Optional.of(factory));
    return new BenchModel(shape.label(), MultiTaskModel.of(shape.label(), loaded, options));
  }

  /** Native memory of one task's generated weights; 0 for a bare backbone. */
  static long bytesPerTask(BenchSource source) throws IOException {
    if (source.shape().isPresent()) {
      return source.shape().get().adapters().weightBytes(source.shape().get().t5().shape());
    }
    StoredModel stored = source.stored().orElseThrow();
    if (stored.hypernetwork().isEmpty()) {
      return 0;
    }
    return AdapterConfig.read(stored.hypernetwork().get().resolve(Manifest.ADAPTER_CONFIG))
        .weightBytes(LoadedModel.FAMILIES.of(stored.backbone().config()).shape(stored.backbone()));
  }

  /** Of any family. */
  Backbone backbone() {
    return model.loaded().family().backbone();
  }

  /** T5 with its decoder, if it is one. */
  Optional<T5> decoder() {
    return backbone() instanceof T5 t5 ? Optional.of(t5) : Optional.empty();
  }

  T5 t5() {
    return decoder()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    label + " has no decoder to be measured; give a T5 model or shape"));
  }

  /** f, the width of the feed-forward layers. */
  int feedForward() {
    return backbone() instanceof Bert bert ? bert.config().feedForward() : t5().config().dFf();
  }

  /** Multiplications and additions of the encoder's matrix products, in 10^9. */
  double encoderGigaflop(int rows, int seq) {
    if (backbone() instanceof Bert bert) {
      BertConfig c = bert.config();
      double d = c.width();
      double perToken = 4 * d * d + 2 * d * c.feedForward() + 2 * seq * d;
      return 2 * c.layers() * (double) rows * seq * perToken / 1e9;
    }
    return EngineBench.encoderGigaflop(t5().config(), rows, seq);
  }

  /**
   * Makes sure that texts of so many tokens can be measured.
   *
   * @throws IllegalArgumentException if not
   */
  void requireLength(int tokens) {
    EngineBench.require("seq", tokens, tokenizer.specials() + 1, model.maxSourceTokens());
  }

  /** A task's embedding, near that of one the model knows; the same for the same number. */
  float[] embedding(int task) {
    float[] known =
        model
            .loaded()
            .adapters()
            .flatMap(factory -> factory.taskEmbeddings().values().stream().findFirst())
            .orElseThrow(
                () -> new IllegalArgumentException(label + " generates no adapters to measure"));
    float[] embedding = known.clone();
    Random random = new Random(task);
    for (int i = 0; i < embedding.length; i++) {
      embedding[i] += (float) (0.1 * random.nextGaussian());
    }
    return embedding;
  }

  TaskAdapter adapter(int task) {
    return new TaskAdapter(name(task), 1, new AdapterForm.Embedding(embedding(task)));
  }

  /** No adapters: the bare backbone. */
  static TaskAdapter bare(int task) {
    return new TaskAdapter(name(task), 0, new AdapterForm.None());
  }

  private static String name(int task) {
    return "bench-" + task;
  }

  /**
   * A classification task.
   *
   * @param labels how many
   * @param labelTokens words of each, one token a word; the first is shared by some labels
   */
  TaskDefinition task(int number, int labels, int labelTokens, LabelScoring scoring) {
    Random random = new Random(7);
    List<Label> made = new ArrayList<>();
    int first = (int) Math.ceil(Math.sqrt(labels));
    for (int i = 0; i < labels; i++) {
      StringBuilder verbalizer = new StringBuilder(words.get(labelTokens == 1 ? i : i % first));
      for (int t = 1; t < labelTokens; t++) {
        // The last word tells them all apart.
        int word = t == labelTokens - 1 ? i : random.nextInt(words.size());
        verbalizer.append(' ').append(words.get(word));
      }
      made.add(Label.of(verbalizer.toString()));
    }
    return definition(name(number), made, scoring, List.of());
  }

  /** How many different labels can be made. */
  int mostLabels() {
    return words.size();
  }

  static TaskDefinition definition(
      String id, List<Label> labels, LabelScoring scoring, List<String> initFrom) {
    return new TaskDefinition(
        id,
        TaskKind.CLASSIFICATION,
        labels,
        Template.SINGLE,
        Template.PAIR,
        "",
        OverLengthPolicy.TRUNCATE,
        scoring,
        initFrom);
  }

  /** A text of exactly so many tokens, special ones among them. */
  PreparedRow row(TaskDefinition task, TaskAdapter adapter, int tokens, Random random) {
    int[] pieces = new int[tokens - tokenizer.specials()];
    Arrays.setAll(pieces, i -> 3 + random.nextInt(tokenizer.size() - 3));
    return new PreparedRow(task, adapter, tokenizer.wrap(pieces), false);
  }

  /**
   * Answers a batch.
   *
   * @throws IllegalStateException if a row cannot be answered: nothing was measured then
   */
  List<RowResult> predict(List<PreparedRow> rows) {
    List<RowResult> results = model.predict(rows);
    for (RowResult result : results) {
      if (result instanceof RowFailure failure) {
        throw new IllegalStateException("the model refuses a row: " + failure.message());
      }
    }
    return results;
  }

  LabelSpace labelSpace(TaskDefinition task) {
    return LabelSpace.of(task.labels(), tokenizer, t5().config().decoderStartId());
  }

  /** Sequences of so many tokens each for the backbone alone. */
  List<TokenSequence> sequences(int rows, int tokens) {
    Random random = new Random(1);
    List<TokenSequence> sequences = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      sequences.add(new TokenSequence(random.ints(tokens, 3, tokenizer.size()).toArray()));
    }
    return sequences;
  }

  /** The encoder's states of them. In a scope. */
  Encoded encode(List<TokenSequence> sequences, AdapterHook adapters) {
    return backbone().encode(TokenBatch.of(backbone(), sequences), adapters);
  }

  @Override
  public void close() {
    model.close();
  }
}
