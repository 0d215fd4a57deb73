package io.hyperstream.model.inference;

import ai.djl.Device;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Backbone;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.family.FamilyModel;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.hyper.TaskAdapter;
import io.hyperstream.model.inference.InferenceException.Code;
import io.hyperstream.model.prototype.LabelHead;
import io.hyperstream.model.prototype.LexicalFeatures;
import io.hyperstream.model.readout.ReadoutBatch;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Workers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * One frozen model that serves every task at once: each row of a batch goes through the adapters of
 * its own task.
 *
 * <p>{@link #modelId}, {@link #startingAdapter}, {@link #prepare}, {@link #check} and {@link
 * #adapterStats} may be called from any thread. {@link #predict} runs one batch at a time (others
 * wait), turns gradient recording off and sets the number of threads on its thread, and frees all
 * of a batch's tensors before it returns. For an identical batch results are bit-identical.
 */
public final class MultiTaskModel implements Predictor, AutoCloseable {
  private final String modelId;
  private final LoadedModel loaded;
  private final FamilyModel family;
  private final Backbone backbone;
  private final StartingAdapters starts;
  private final int maxBatchTokens;
  private final int intraOpThreads;
  private final Workers workers;
  private final LexicalFeatures lexical;
  private final AdapterBank bank;
  private final Decoding decoding;
  private final AtomicLong askedTokens = new AtomicLong();
  private final AtomicLong computedTokens = new AtomicLong();
  private final ReentrantLock oneBatch = new ReentrantLock();
  private final AtomicInteger users = new AtomicInteger(1); // of what is loaded: this, and loans
  private boolean closed;

  /** The weights of a {@link MultiTaskModel} for somebody else; they stay loaded until closed. */
  public final class Loan implements AutoCloseable {
    private final AtomicBoolean returned = new AtomicBoolean();

    private Loan() {}

    /** What is lent; not to be closed. */
    public LoadedModel model() {
      return loaded;
    }

    @Override
    public void close() {
      if (!returned.getAndSet(true)) {
        release();
      }
    }
  }

  private MultiTaskModel(String modelId, LoadedModel loaded, ModelOptions options) {
    this.modelId = modelId;
    this.loaded = loaded;
    this.family = loaded.family();
    this.backbone = family.backbone();
    this.starts = new StartingAdapters(loaded);
    this.maxBatchTokens = options.maxBatchTokens();
    this.intraOpThreads = options.threads();
    this.workers =
        backbone.manager().getDevice().isGpu()
            ? Workers.NONE
            : Workers.of(options.workersInEffect(), intraOpThreads);
    this.lexical = family.lexical();
    this.bank = new AdapterBank(starts::make, options.adapterBudgetBytes());
    this.decoding = new Decoding(family);
  }

  /**
   * A model of parts that are loaded already and closed with it, such as random weights for
   * benchmarks.
   */
  public static MultiTaskModel of(String modelId, LoadedModel loaded, ModelOptions options) {
    return new MultiTaskModel(modelId, loaded, options);
  }

  /**
   * Loads a model. Its files must be verified, as {@code ModelStore.load} does.
   *
   * @throws IOException if a file is missing or cannot be read
   * @throws CheckpointException if a file is not what it should be
   */
  public static MultiTaskModel open(StoredModel model, ModelOptions options) throws IOException {
    ModelCard card = model.manifest().card();
    LoadedModel loaded =
        LoadedModel.open(model, options.device().map(Device::fromName), options.readouts(card));
    try {
      return new MultiTaskModel(model.modelId(), loaded, options);
    } catch (RuntimeException | Error e) {
      loaded.close();
      throw e;
    }
  }

  @Override
  public String modelId() {
    return modelId;
  }

  /** Longest sequence, special tokens included. */
  public int maxSourceTokens() {
    return family.rows().maxTokens();
  }

  /** What it consists of, to be computed with beside the model; closed with it. */
  public LoadedModel loaded() {
    return loaded;
  }

  /**
   * Lends what it consists of to another thread, so that a process has the weights once. They are
   * freed when the model and all loans are closed, in whatever order.
   *
   * @throws IllegalStateException if the model is closed and nothing is left to lend
   */
  public Loan lend() {
    if (users.getAndUpdate(n -> n == 0 ? 0 : n + 1) == 0) {
      throw new IllegalStateException("the model is closed");
    }
    return new Loan();
  }

  private void release() {
    if (users.decrementAndGet() == 0) {
      loaded.close();
    }
  }

  @Override
  public TokenCounts tokenCounts() {
    return new TokenCounts(askedTokens.get(), computedTokens.get());
  }

  /** Native arrays the model holds between batches, weights included; any thread, for tests. */
  int liveArrays() {
    return backbone.manager().getManagedArrays().size();
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
    if (task.templateOf(textPair.isPresent()).needsPair()
        && textPair.filter(pair -> !pair.isBlank()).isEmpty()) {
      throw new InferenceException(
          Code.MISSING_TEXT_PAIR,
          "task '" + task.taskId() + "' compares two texts; textPair is missing or empty");
    }
    RowInput input = family.rows().encode(task, text, textPair);
    if (input.empty()) {
      throw new InferenceException(
          Code.EMPTY_TEXT, "the text has no visible characters; send at least one letter");
    }
    if (input.truncated() && task.overLength() == OverLengthPolicy.REJECT) {
      throw new InferenceException(
          Code.TEXT_TOO_LONG,
          "the text has more than %d tokens, and task '%s' refuses to cut; shorten it"
              .formatted(maxSourceTokens(), task.taskId()));
    }
    decoding.check(task);
    RowWords words = new RowWords(lexical, text, textPair);
    if (adapter.head().isPresent()) {
      words.get(); // now, rather than on the thread that runs batches
    }
    return new PreparedRow(task, adapter, input, words);
  }

  @Override
  public void check(TaskDefinition task) {
    starts.of(task);
    decoding.check(task);
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
    if (!family.rows().widths().contains(head.center().length)) {
      throw new IllegalArgumentException(
          "its label vectors have %d numbers, this model's vectors %s"
              .formatted(
                  head.center().length,
                  family.rows().widths().stream()
                      .map(String::valueOf)
                      .collect(Collectors.joining(" or "))));
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
        answer(sorted.subList(from, to), results);
        decoding.trim();
        from = to;
      }
      return Arrays.asList(results);
    } finally {
      oneBatch.unlock();
    }
  }

  /**
   * The embeddings of single texts under their tasks' adapters, of length 1: what the model was
   * made for before anybody asked for labels. One batch at a time, as {@link #predict}.
   *
   * @param rows of one text each
   * @return [rows][d]
   */
  public float[][] embed(List<PreparedRow> rows) {
    oneBatch.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the model is closed");
      }
      prepareThread();
      float[][] out = new float[rows.size()][];
      RowResult[] failures = new RowResult[rows.size()];
      List<TaskRow> sorted = resolve(rows, failures);
      if (sorted.size() < rows.size()) {
        throw new IllegalArgumentException("the adapters of a row cannot be used with this model");
      }
      for (int from = 0; from < sorted.size(); ) {
        int to = passEnd(sorted, from);
        List<TaskRow> part = sorted.subList(from, to);
        try (NDScope scope = Ops.scope();
            AdapterHook adapters = adapters(part)) {
          scope.suppressNotUsedWarning();
          float[][] vectors = encode(part, adapters, true).vectors();
          for (int i = 0; i < part.size(); i++) {
            out[part.get(i).index()] = family.rows().embedding(vectors[i]);
          }
        }
        from = to;
      }
      return out;
    } finally {
      oneBatch.unlock();
    }
  }

  private void answer(List<TaskRow> rows, RowResult[] results) {
    try (NDScope scope = Ops.scope();
        AdapterHook adapters = adapters(rows)) {
      scope.suppressNotUsedWarning();
      boolean vectors = rows.stream().anyMatch(decoding::needsVectors);
      decoding.answer(rows, encode(rows, adapters, vectors), results);
    }
  }

  private static AdapterHook adapters(List<TaskRow> rows) {
    return BatchAdapters.of(rows.stream().map(TaskRow::weights).toList());
  }

  private ReadoutBatch encode(List<TaskRow> rows, AdapterHook adapters, boolean vectors) {
    List<RowInput> inputs = rows.stream().map(row -> row.row().input()).toList();
    ReadoutBatch batch =
        ReadoutBatch.encode(
            backbone,
            family.rows(),
            rows.stream().map(row -> row.row().task()).toList(),
            inputs,
            adapters,
            vectors,
            workers);
    askedTokens.addAndGet(inputs.stream().mapToInt(RowInput::tokens).sum());
    computedTokens.addAndGet(batch.computedTokens());
    return batch;
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
      List<TaskRow> rows = resolve(List.of(row), new RowResult[1]);
      try (NDScope scope = Ops.scope();
          AdapterHook adapters = adapters(rows)) {
        scope.suppressNotUsedWarning();
        boolean vectors = rows.stream().anyMatch(decoding::needsVectors);
        return decoding.score(encode(rows, adapters, vectors), row.task().scoring())[0];
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
            .thenComparingInt(row -> row.row().input().longest()));
    return usable;
  }

  /** As many rows as the token limit allows, at least one. */
  private int passEnd(List<TaskRow> rows, int from) {
    int longest = 0;
    int to = from;
    while (to < rows.size()) {
      longest = Math.max(longest, TokenBatch.paddedLength(rows.get(to).row().input().longest()));
      if (to > from && (long) longest * (to + 1 - from) > maxBatchTokens) {
        break;
      }
      to++;
    }
    return to;
  }

  /** Waits for the batch under way, then frees the model, unless it is lent. */
  @Override
  public void close() {
    oneBatch.lock();
    try {
      if (!closed) {
        closed = true;
        decoding.close();
        bank.close();
        workers.close();
        release();
      }
    } finally {
      oneBatch.unlock();
    }
  }
}
