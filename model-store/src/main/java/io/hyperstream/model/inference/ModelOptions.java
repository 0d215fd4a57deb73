package io.hyperstream.model.inference;

import io.hyperstream.model.checkpoint.ModelCard;
import io.hyperstream.model.readout.ReadoutOptions;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a {@link MultiTaskModel} runs.
 *
 * @param device {@code cpu}, {@code gpu} or {@code gpuN}; empty for a GPU where PyTorch sees one
 * @param intraOpThreads threads one operation may use; 0 is half the processors. Every operation
 *     waits for its slowest thread: where a broker or another model keeps the processors busy too,
 *     as many threads as processors were measured to be ten times slower than one
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
        maxLogitsBytes);
  }

  /** The number of threads in effect. */
  int threads() {
    return intraOpThreads > 0
        ? intraOpThreads
        : Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
  }

  public ModelOptions withDevice(String name) {
    return new ModelOptions(
        Optional.of(name),
        intraOpThreads,
        maxSourceTokens,
        maxTargetTokens,
        beams,
        trieBeams,
        adapterBudgetBytes,
        maxBatchTokens,
        maxLogitsBytes);
  }

  public ModelOptions withIntraOpThreads(int threads) {
    return new ModelOptions(
        device,
        threads,
        maxSourceTokens,
        maxTargetTokens,
        beams,
        trieBeams,
        adapterBudgetBytes,
        maxBatchTokens,
        maxLogitsBytes);
  }

  public ModelOptions withMaxSourceTokens(int tokens) {
    return new ModelOptions(
        device,
        intraOpThreads,
        OptionalInt.of(tokens),
        maxTargetTokens,
        beams,
        trieBeams,
        adapterBudgetBytes,
        maxBatchTokens,
        maxLogitsBytes);
  }

  public ModelOptions withMaxTargetTokens(int tokens) {
    return new ModelOptions(
        device,
        intraOpThreads,
        maxSourceTokens,
        OptionalInt.of(tokens),
        beams,
        trieBeams,
        adapterBudgetBytes,
        maxBatchTokens,
        maxLogitsBytes);
  }

  public ModelOptions withBeams(int newBeams, int newTrieBeams) {
    return new ModelOptions(
        device,
        intraOpThreads,
        maxSourceTokens,
        maxTargetTokens,
        newBeams,
        newTrieBeams,
        adapterBudgetBytes,
        maxBatchTokens,
        maxLogitsBytes);
  }

  public ModelOptions withAdapterBudgetBytes(long bytes) {
    return new ModelOptions(
        device,
        intraOpThreads,
        maxSourceTokens,
        maxTargetTokens,
        beams,
        trieBeams,
        bytes,
        maxBatchTokens,
        maxLogitsBytes);
  }

  public ModelOptions withMaxBatchTokens(int tokens) {
    return new ModelOptions(
        device,
        intraOpThreads,
        maxSourceTokens,
        maxTargetTokens,
        beams,
        trieBeams,
        adapterBudgetBytes,
        tokens,
        maxLogitsBytes);
  }
}
