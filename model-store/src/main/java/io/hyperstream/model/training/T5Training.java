package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.t5.CandidateScorer;
import io.hyperstream.model.t5.CrossMemory;
import io.hyperstream.model.t5.Generated;
import io.hyperstream.model.t5.GenerationOptions;
import io.hyperstream.model.t5.LabelSpace;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.task.TaskKind;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A T5 in training, by the paper's loss over target tokens. It answers with the label serving would
 * choose; numbers are decoded greedily.
 */
final class T5Training extends TrainingModel {
  private static final int MAX_NUMBER_TOKENS = 12;

  private final T5 t5;
  private final Optional<SentencePieceTokenizer> tokenizer; // only answers need it

  private T5Training(
      NDManager manager,
      T5 t5,
      Optional<SentencePieceTokenizer> tokenizer,
      TrainableSource backbone,
      Optional<AdapterConfig> config,
      TrainableSource adapters) {
    super(manager, t5.config().shape(), backbone.parameters(), config, adapters);
    this.t5 = t5;
    this.tokenizer = tokenizer;
  }

  static T5Training open(ModelSource source, Trainable trainable) throws IOException {
    SentencePieceTokenizer tokenizer = SentencePieceTokenizer.open(source.tokenizer());
    try {
      return load(
          T5Config.read(source.folder().config()),
          source.backbone(),
          source.adapters(),
          source.adapterWeights(),
          trainable,
          Optional.of(tokenizer));
    } catch (IOException | RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  /**
   * Loads a model that cannot answer, only learn.
   *
   * @param config of the adapters; empty for the bare backbone
   * @param adapterSource where hypernetworks or adapters lie; may be the backbone's
   * @throws CheckpointException if a tensor is missing or of another shape than configured
   */
  static T5Training load(
      T5Config t5Config,
      TensorSource backboneSource,
      Optional<AdapterConfig> config,
      TensorSource adapterSource,
      Trainable trainable) {
    return load(t5Config, backboneSource, config, adapterSource, trainable, Optional.empty());
  }

  private static T5Training load(
      T5Config t5Config,
      TensorSource backboneSource,
      Optional<AdapterConfig> config,
      TensorSource adapterSource,
      Trainable trainable,
      Optional<SentencePieceTokenizer> tokenizer) {
    NDManager manager = Ops.newManager();
    try {
      Predicate<String> trained = name -> trainable.includes(name, t5Config.tiedEmbeddings());
      TrainableSource backbone = new TrainableSource(backboneSource, trained, manager);
      TrainableSource adapters = new TrainableSource(adapterSource, trained, manager);
      T5 t5 = T5.load(t5Config, backbone);
      return new T5Training(manager, t5, tokenizer, backbone, config, adapters);
    } catch (RuntimeException | Error e) {
      manager.close();
      throw e;
    }
  }

  /** Encodes a batch: [B, S, d] ready for the decoder. */
  private CrossMemory encode(int[][] inputs, AdapterHook hook) {
    NDArray mask = TrainingBatch.mask(t5.manager(), inputs, false);
    NDArray encoded = t5.encode(TrainingBatch.padded(t5.manager(), inputs), mask, hook);
    return t5.attendTo(encoded, mask);
  }

  /** The label-smoothed sum over target tokens under teacher forcing. */
  @Override
  NDArray loss(TrainingBatch batch, double smoothing, double dropout) {
    try (Hook made = hook(batch.adapters())) {
      AdapterHook hook = dropout > 0 ? new DropoutHook(made.adapters(), dropout) : made.adapters();
      CrossMemory memory = encode(batch.ids(), hook);
      NDArray targets = TrainingBatch.padded(t5.manager(), batch.targets()); // [B, N]
      int[][] shifted = TrainingBatch.shifted(batch.targets(), t5.config().decoderStartId());
      NDArray input = TrainingBatch.padded(t5.manager(), shifted);
      int length = (int) targets.getShape().get(1);
      NDArray hidden = t5.decode(input, t5.causal(length), memory, hook); // [B, N, d]
      NDArray mask = TrainingBatch.mask(t5.manager(), batch.targets(), true);
      return Losses.labelSmoothedSum(t5.logits(hidden), targets, mask, smoothing);
    }
  }

  @Override
  long summed(TrainingBatch batch) {
    return Arrays.stream(batch.targets()).mapToLong(target -> target.length).sum();
  }

  @Override
  Answers answers(TaskData data) {
    SentencePieceTokenizer pieces = tokenizer.orElseThrow();
    if (data.task().kind() != TaskKind.CLASSIFICATION) {
      GenerationOptions greedy = GenerationOptions.greedy(MAX_NUMBER_TOKENS);
      return inputs ->
          answer(
              data,
              inputs,
              (memory, hook) -> {
                List<Generated> generated = t5.generate(memory, hook, greedy);
                return generated.stream()
                    .mapToDouble(text -> number(pieces.decode(text.tokens())))
                    .toArray();
              });
    }
    int start = t5.config().decoderStartId();
    CandidateScorer scorer =
        new CandidateScorer(t5, LabelSpace.of(data.task().labels(), pieces, start));
    return inputs ->
        answer(
            data,
            inputs,
            (memory, hook) ->
                Arrays.stream(Ops.argMax(scorer.score(memory, hook)).toLongArray())
                    .asDoubleStream()
                    .toArray());
  }

  private interface Reading {
    double[] of(CrossMemory memory, AdapterHook hook);
  }

  private double[] answer(TaskData data, List<TokenSequence> inputs, Reading reading) {
    List<String> tasks = Collections.nCopies(inputs.size(), data.task().taskId());
    try (NDScope scope = Ops.scope();
        Hook hook = hook(tasks)) {
      scope.suppressNotUsedWarning();
      int[][] ids = inputs.stream().map(TokenSequence::ids).toArray(int[][]::new);
      return reading.of(encode(ids, hook.adapters()), hook.adapters());
    }
  }

  /** What is no number counts as 0. */
  private static double number(String text) {
    try {
      double value = Double.parseDouble(text.strip());
      return Double.isFinite(value) ? value : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  @Override
  public void close() {
    tokenizer.ifPresent(SentencePieceTokenizer::close);
    t5.close();
    super.close();
  }
}
