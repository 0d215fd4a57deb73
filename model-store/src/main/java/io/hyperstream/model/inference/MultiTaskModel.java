package io.hyperstream.model.inference;

import ai.djl.Device;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.checkpoint.Manifest;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.ShardedSafetensors;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.InferenceException.Code;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LexicalFeatures;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.task.Template;
import io.hyperstream.model.task.Tokenizer;
import io.hyperstream.model.tensor.Ops;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One frozen T5 that serves every task at once: each row of a batch goes through the adapters of
 * its own task.
 *
 * <p>{@link #modelId}, {@link #startingAdapter}, {@link #prepare}, {@link #check} and {@link
 * #adapterStats} may be called from any thread. {@link #predict} runs one batch at a time (others
 * wait), turns gradient recording off and sets the number of threads on its thread, and frees all
 * of a batch's tensors before it returns. For an identical batch results are bit-identical.
 */
public final class MultiTaskModel implements Predictor, AutoCloseable {
  private final String modelId;
  private final Tokenizer tokenizer;
  private final T5 t5;
  private final Optional<AdapterFactory> factory;
  private final StartingAdapters starts;
  private final int maxSourceTokens;
  private final int maxBatchTokens;
  private final int intraOpThreads;
  private final LabelSpaces spaces;
  private final LexicalFeatures lexical;
  private final AdapterBank bank;
  private final Decoding decoding;
  private final AtomicLong realTokens = new AtomicLong();
  private final AtomicLong paddedTokens = new AtomicLong();
  private final ReentrantLock oneBatch = new ReentrantLock();
  private boolean closed;

  private MultiTaskModel(
      String modelId,
      ModelOptions options,
      int maxSourceTokens,
      int maxTargetTokens,
      Tokenizer tokenizer,
      T5 t5,
      Optional<AdapterFactory> factory) {
    this.modelId = modelId;
    this.tokenizer = tokenizer;
    this.t5 = t5;
    this.factory = factory;
    this.starts = new StartingAdapters(factory);
    this.maxSourceTokens = maxSourceTokens;
    this.maxBatchTokens = options.maxBatchTokens();
    this.intraOpThreads = options.threads();
    this.spaces = new LabelSpaces(tokenizer, t5.config().decoderStartId());
    this.lexical = new LexicalFeatures(tokenizer);
    this.bank = new AdapterBank(starts::make, options.adapterBudgetBytes());
    this.decoding = new Decoding(t5, tokenizer, spaces, options, maxTargetTokens);
  }

  /**
   * A model of parts that are loaded already and closed with it, such as random weights for
   * benchmarks. Inputs and outputs have at most 512 tokens unless the options say otherwise.
   */
  public static MultiTaskModel of(
      String modelId,
      Tokenizer tokenizer,
      T5 t5,
      Optional<AdapterFactory> factory,
      ModelOptions options) {
    return new MultiTaskModel(
        modelId,
        options,
        options.maxSourceTokens().orElse(512),
        options.maxTargetTokens().orElse(512),
        tokenizer,
        t5,
        factory);
  }

  /**
   * Loads a model. Its files must be verified, as {@code ModelStore.load} does.
   *
   * @throws IOException if a file is missing or cannot be read
   * @throws io.hyperstream.model.checkpoint.CheckpointException if a file is not what it should be
   */
  public static MultiTaskModel open(StoredModel model, ModelOptions options) throws IOException {
    HuggingFaceLayout backbone = model.backbone();
    Optional<Device> device = options.device().map(Device::fromName);
    List<AutoCloseable> opened = new ArrayList<>();
    try {
      Tokenizer tokenizer = Tokenizer.open(backbone.tokenizer());
      opened.add(tokenizer);
      T5Config config = T5Config.read(backbone.config());
      requireVocabulary(tokenizer, config, model);
      TensorSource weights = ShardedSafetensors.openFolder(backbone.directory());
      Optional<AdapterFactory> factory = Optional.empty();
      if (model.hypernetwork().isPresent()) {
        Path folder = model.hypernetwork().get();
        TensorSource trained = Safetensors.open(folder.resolve(Manifest.HYPERNETWORK_WEIGHTS));
        AdapterConfig adapters = AdapterConfig.read(folder.resolve(Manifest.ADAPTER_CONFIG));
        factory = Optional.of(AdapterFactory.load(config, adapters, trained, device));
        opened.add(factory.get());
        weights = new OverlaidTensors(trained, weights);
      }
      T5 t5 = T5.load(config, weights, device);
      opened.add(t5);
      ModelCard card = model.manifest().card();
      return new MultiTaskModel(
          model.modelId(),
          options,
          options.maxSourceTokens().orElse(card.maxSourceTokens()),
          options.maxTargetTokens().orElse(card.maxTargetTokens()),
          tokenizer,
          t5,
          factory);
    } catch (IOException | RuntimeException e) {
      closeAll(opened, e);
      throw e;
    }
  }

  private static void closeAll(List<AutoCloseable> opened, Exception why) {
    for (AutoCloseable resource : opened) {
      try {
        resource.close();
      } catch (Exception e) {
        why.addSuppressed(e);
      }
    }
  }

  private static void requireVocabulary(Tokenizer tokenizer, T5Config config, StoredModel model)
      throws IOException {
    if (tokenizer.size() > config.vocabSize() || tokenizer.endId() != config.eosId()) {
      throw new IOException(
          "%s: the tokenizer has %d pieces and the end token %d, the config a vocabulary of %d and the end token %d; they belong to different models"
              .formatted(
                  model.reference(),
                  tokenizer.size(),
                  tokenizer.endId(),
                  config.vocabSize(),
                  config.eosId()));
    }
  }

  @Override
  public String modelId() {
    return modelId;
  }

  /** Longest input, end token included. */
  public int maxSourceTokens() {
    return maxSourceTokens;
  }

  /** The frozen backbone, to be computed with beside the model; closed with it. */
  public T5 backbone() {
    return t5;
  }

  /** What makes adapters, unless the model is a bare backbone; closed with it. */
  public Optional<AdapterFactory> adapterFactory() {
    return factory;
  }

  /** Tokens that went through the encoder since the model was opened; any thread. */
  public TokenCounts tokenCounts() {
    return new TokenCounts(realTokens.get(), paddedTokens.get());
  }

  /** Native arrays the model holds between batches, weights included; any thread, for tests. */
  int liveArrays() {
    return t5.manager().getManagedArrays().size();
  }

  /** The weights a batch would use, resident from now on; for tests. */
  AdapterWeights weights(TaskAdapter adapter) {
    return ((AdapterBank.Lookup.Found) bank.acquire(List.of(adapter)).get(0)).weights();
  }

  /** Counters of resident adapters; any thread. */
  public AdapterBankStats adapterStats() {
    return bank.stats();
  }

  @Override
  public TaskAdapter startingAdapter(TaskDefinition task) {
    return starts.of(task);
  }

  @Override
  public PreparedRow prepare(
      TaskDefinition task, TaskAdapter adapter, String text, Optional<String> textPair) {
    starts.check(adapter);
    if (text.isBlank()) {
      throw new InferenceException(Code.EMPTY_TEXT, "the text is empty; send at least one letter");
    }
    Template template = task.template();
    if (textPair.isPresent() && !template.needsPair()) {
      template = task.templatePair();
    }
    if (template.needsPair() && textPair.filter(pair -> !pair.isBlank()).isEmpty()) {
      throw new InferenceException(
          Code.MISSING_TEXT_PAIR,
          "task '" + task.taskId() + "' compares two texts; textPair is missing or empty");
    }
    Tokenizer.Encoded encoded =
        tokenizer.encode(template.render(text, textPair.orElse("")), maxSourceTokens);
    if (encoded.ids().length == 1) {
      throw new InferenceException(
          Code.EMPTY_TEXT, "the text has no visible characters; send at least one letter");
    }
    // WINDOWS is cut and flagged like TRUNCATE as long as nothing reads a second window.
    if (encoded.truncated() && task.overLength() == OverLengthPolicy.REJECT) {
      throw new InferenceException(
          Code.TEXT_TOO_LONG,
          "the text has more than %d tokens, and task '%s' refuses to cut; shorten it"
              .formatted(maxSourceTokens, task.taskId()));
    }
    if (task.kind() == TaskKind.CLASSIFICATION) {
      spaces.of(task);
    }
    RowWords words = new RowWords(lexical, text, textPair);
    if (adapter.head().isPresent()) {
      words.get(); // now, rather than on the thread that runs batches
    }
    return new PreparedRow(task, adapter, encoded.ids(), encoded.truncated(), words);
  }

  @Override
  public void check(TaskAdapter adapter) {
    try {
      starts.check(adapter);
      adapter.head().ifPresent(this::check);
      for (AdapterWeights weights : starts.make(List.of(adapter.form()))) {
        try (weights) {
          weights.requireFinite();
        }
      }
    } catch (CheckpointException | IllegalArgumentException e) {
      throw new InferenceException(
          Code.INVALID_TASK,
          "version %d of task '%s' does not fit this model: %s"
              .formatted(adapter.version(), adapter.taskId(), e.getMessage()));
    }
  }

  private void check(LabelHead head) {
    if (head.center().length != t5.config().dModel()) {
      throw new IllegalArgumentException(
          "its label vectors have %d numbers over encoder states, this model's states %d"
              .formatted(head.center().length, t5.config().dModel()));
    }
  }

  @Override
  public List<RowResult> predict(List<PreparedRow> rows) {
    oneBatch.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the model is closed");
      }
      prepareThread();
      RowResult[] results = new RowResult[rows.size()];
      List<TaskRow> sorted = resolve(rows, results);
      for (int from = 0; from < sorted.size(); ) {
        int to = passEnd(sorted, from);
        count(sorted.subList(from, to));
        try (NDScope scope = Ops.scope()) {
          scope.suppressNotUsedWarning();
          decoding.answer(EncodedRows.encode(t5, sorted.subList(from, to)), results);
        }
        decoding.trim();
        from = to;
      }
      return Arrays.asList(results);
    } finally {
      oneBatch.unlock();
    }
  }

  /** Gradient mode and the number of threads are settings of the calling thread. */
  private void prepareThread() {
    Ops.inferenceThread();
    if (Ops.threads() != intraOpThreads) {
      Ops.setThreads(intraOpThreads);
    }
  }

  /** The log-probabilities of a row's labels: minus infinity where a beam cut a label off. */
  double[] score(PreparedRow row) {
    oneBatch.lock();
    try {
      prepareThread();
      try (NDScope scope = Ops.scope()) {
        scope.suppressNotUsedWarning();
        List<TaskRow> rows = resolve(List.of(row), new RowResult[1]);
        return decoding.score(EncodedRows.encode(t5, rows))[0];
      }
    } finally {
      oneBatch.unlock();
    }
  }

  /** Finds each row's adapters and puts the rows of one kind, then of one task, side by side. */
  private List<TaskRow> resolve(List<PreparedRow> rows, RowResult[] results) {
    List<AdapterBank.Lookup> lookups =
        bank.acquire(rows.stream().map(PreparedRow::adapter).toList());
    List<TaskRow> usable = new ArrayList<>(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      PreparedRow row = rows.get(i);
      if (lookups.get(i) instanceof AdapterBank.Lookup.Found found) {
        usable.add(new TaskRow(i, row, found.weights()));
      } else if (lookups.get(i) instanceof AdapterBank.Lookup.Unusable unusable) {
        results[i] =
            new RowFailure(
                Code.MODEL_ERROR,
                "version %d of task '%s' cannot be used: %s"
                    .formatted(row.adapter().version(), row.task().taskId(), unusable.reason()));
      }
    }
    usable.sort(
        Comparator.comparing((TaskRow row) -> row.row().task().kind())
            .thenComparing(row -> row.row().task().scoring())
            .thenComparing(row -> row.row().task().taskId())
            .thenComparingLong(row -> row.row().adapter().version())
            .thenComparingInt(row -> row.row().inputIds().length));
    return usable;
  }

  /** As many rows as the token limit allows, at least one. */
  private int passEnd(List<TaskRow> rows, int from) {
    int longest = 0;
    int to = from;
    while (to < rows.size()) {
      longest = Math.max(longest, EncodedRows.paddedLength(rows.get(to).row().inputIds().length));
      if (to > from && (long) longest * (to + 1 - from) > maxBatchTokens) {
        break;
      }
      to++;
    }
    return to;
  }

  private void count(List<TaskRow> pass) {
    int longest = 0;
    for (TaskRow row : pass) {
      int tokens = row.row().inputIds().length;
      longest = Math.max(longest, tokens);
      realTokens.addAndGet(tokens);
    }
    paddedTokens.addAndGet((long) pass.size() * EncodedRows.paddedLength(longest));
  }

  /** Waits for the batch under way, then frees the model. */
  @Override
  public void close() {
    oneBatch.lock();
    try {
      if (!closed) {
        closed = true;
        decoding.close();
        bank.close();
        t5.close();
        factory.ifPresent(AdapterFactory::close);
        tokenizer.close();
      }
    } finally {
      oneBatch.unlock();
    }
  }
}
