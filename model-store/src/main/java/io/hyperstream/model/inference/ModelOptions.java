package io.hyperstream.model.inference;

import ai.djl.Device;
import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.readout.ReadoutOptions;
import io.hyperstream.model.tensor.Precision;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * How a {@link MultiTaskModel} runs.
 *
 * @param device {@code cpu}, {@code gpu} or {@code gpuN}; empty for a GPU where PyTorch sees one
 * @param intraOpThreads threads the model may use; 0 is half the processors. Where several share an
 *     operation it waits for the slowest: where a broker or another model keeps the processors busy
 *     too, as many threads as processors were measured to be ten times slower than one
 * @param workers parts of a batch that are computed side by side, each by its share of the threads;
 *     0 is one per thread
 * @param precision of products with frozen weights: {@code f32}, {@code bf16} or {@code auto}
 * @param maxSourceTokens longest input, instead of the manifest's
 * @param maxTargetTokens longest decoded output, instead of the manifest's
 * @param beams 1 decodes REGRESSION and GENERATION tasks greedily
 * @param trieBeams label prefixes kept per level for tasks that chose {@code TRIE_BEAM}
 * @param adapterBudgetBytes native memory for generated adapters that stay between batches; what
 *     one batch needs is never refused
 * @param maxBatchTokens padded source tokens computed at once; larger batches are split
 * @param maxLogitsBytes memory for vocabulary scores at a time
 */
public record ModelOptions(
    Optional<String> device,
    int intraOpThreads,
    int workers,
    String precision,
    OptionalInt maxSourceTokens,
    OptionalInt maxTargetTokens,
    int beams,
    int trieBeams,
    long adapterBudgetBytes,
    int maxBatchTokens,
    long maxLogitsBytes) {

  /** Nothing overridden. */
  public static final ModelOptions DEFAULT =
      new ModelOptions(
          Optional.empty(),
          1,
          0,
          "f32",
          OptionalInt.empty(),
          OptionalInt.empty(),
          1,
          16,
          256L << 20,
          16_384,
          16L << 20);

  public ModelOptions {
    if (!device.orElse("cpu").matches("cpu|gpu[0-9]{0,2}")) {
      throw new IllegalArgumentException("device must be cpu, gpu or gpuN; got " + device.get());
    }
    require("intraOpThreads", intraOpThreads, 0, 1024);
    require("workers", workers, 0, 1024);
    Precision.require(precision);
    require("maxSourceTokens", maxSourceTokens.orElse(2), 2, 16_384);
    require("maxTargetTokens", maxTargetTokens.orElse(2), 2, 4096);
    require("beams", beams, 1, 64);
    require("trieBeams", trieBeams, 1, 1024);
    require("adapterBudgetBytes", adapterBudgetBytes, 0, Long.MAX_VALUE);
    require("maxBatchTokens", maxBatchTokens, 1, 1 << 24);
    require("maxLogitsBytes", maxLogitsBytes, 1 << 16, 1L << 40);
  }

  private static void require(String name, long value, long min, long max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          name + " must be " + min + " to " + max + "; got " + value);
    }
  }

  /** Limits of a model whose card has others. */
  public ReadoutOptions readouts(ModelCard card) {
    return new ReadoutOptions(
        maxSourceTokens.orElse(card.maxSourceTokens()),
        maxTargetTokens.orElse(card.maxTargetTokens()),
        beams,
        trieBeams,
        maxLogitsBytes,
        Precision.of(precision, device.map(Device::fromName).orElseGet(Device::cpu)));
  }

  /** How many workers are in effect. */
  int workersInEffect() {
    return workers > 0 ? Math.min(workers, threads()) : threads();
  }

  /** The number of threads in effect. */
  int threads() {
    return intraOpThreads > 0
        ? intraOpThreads
        : Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
  }

  public ModelOptions withDevice(String name) {
    return change(copy -> copy.device = Optional.of(name));
  }

  public ModelOptions withIntraOpThreads(int threads) {
    return change(copy -> copy.intraOpThreads = threads);
  }

  public ModelOptions withWorkers(int count) {
    return change(copy -> copy.workers = count);
  }

  public ModelOptions withPrecision(String name) {
    return change(copy -> copy.precision = name);
  }

  public ModelOptions withMaxSourceTokens(int tokens) {
    return change(copy -> copy.maxSourceTokens = OptionalInt.of(tokens));
  }

  public ModelOptions withMaxTargetTokens(int tokens) {
    return change(copy -> copy.maxTargetTokens = OptionalInt.of(tokens));
  }

  public ModelOptions withBeams(int newBeams, int newTrieBeams) {
    return change(
        copy -> {
          copy.beams = newBeams;
          copy.trieBeams = newTrieBeams;
        });
  }

  public ModelOptions withAdapterBudgetBytes(long bytes) {
    return change(copy -> copy.adapterBudgetBytes = bytes);
  }

  public ModelOptions withMaxBatchTokens(int tokens) {
    return change(copy -> copy.maxBatchTokens = tokens);
  }

  private ModelOptions change(Consumer<Copy> change) {
    Copy copy = new Copy();
    copy.device = device;
    copy.intraOpThreads = intraOpThreads;
    copy.workers = workers;
    copy.precision = precision;
    copy.maxSourceTokens = maxSourceTokens;
    copy.maxTargetTokens = maxTargetTokens;
    copy.beams = beams;
    copy.trieBeams = trieBeams;
    copy.adapterBudgetBytes = adapterBudgetBytes;
    copy.maxBatchTokens = maxBatchTokens;
    change.accept(copy);
    return new ModelOptions(
        copy.device,
        copy.intraOpThreads,
        copy.workers,
        copy.precision,
        copy.maxSourceTokens,
        copy.maxTargetTokens,
        copy.beams,
        copy.trieBeams,
        copy.adapterBudgetBytes,
        copy.maxBatchTokens,
        maxLogitsBytes);
  }

  private static final class Copy {
    private Optional<String> device;
    private int intraOpThreads;
    private int workers;
    private String precision;
    private OptionalInt maxSourceTokens;
    private OptionalInt maxTargetTokens;
    private int beams;
    private int trieBeams;
    private long adapterBudgetBytes;
    private int maxBatchTokens;
  }
}
