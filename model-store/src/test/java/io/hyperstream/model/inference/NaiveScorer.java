package io.hyperstream.model.inference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.ShardedSafetensors;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.store.StoredModel;
import io.hyperstream.model.t5.CrossMemory;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Scores labels one at a time, as sequences, with teacher forcing: slow and plain. */
final class NaiveScorer implements AutoCloseable {
  private final T5 t5;
  private final AdapterFactory factory;
  private final SentencePieceTokenizer tokenizer;

  NaiveScorer(StoredModel model) throws IOException {
    T5Config config = T5Config.read(model.backbone().config());
    Path hyper = model.hypernetwork().orElseThrow();
    t5 = T5.load(config, ShardedSafetensors.openFolder(model.backbone().directory()));
    factory =
        AdapterFactory.load(
            config.shape(),
            AdapterConfig.read(hyper.resolve("adapter_config.json")),
            Safetensors.open(hyper.resolve("hypernetwork.safetensors")));
    tokenizer = SentencePieceTokenizer.open(model.backbone().file("spiece.model"));
  }

  double[] score(PreparedRow row) {
    double[] scores = new double[row.task().labels().size()];
    Arrays.setAll(scores, label -> score(row, label));
    return scores;
  }

  double score(PreparedRow row, int label) {
    Ops.inferenceThread();
    NDManager manager = t5.manager();
    try (NDScope scope = Ops.scope();
        AdapterWeights weights = factory.make(List.of(row.adapter().form())).get(0);
        BatchAdapters adapters = BatchAdapters.of(List.of(weights))) {
      scope.suppressNotUsedWarning();
      int[] ids = row.inputIds();
      NDArray mask = manager.ones(new Shape(1, ids.length));
      NDArray encoded = t5.encode(array(manager, ids), mask, adapters);
      CrossMemory memory = t5.attendTo(encoded, mask);
      int[] target = tokenizer.encode(row.task().labels().get(label).verbalizer());
      int[] input = new int[target.length];
      System.arraycopy(target, 0, input, 1, target.length - 1);
      NDArray hidden = t5.decode(array(manager, input), t5.causal(input.length), memory, adapters);
      NDArray logP = Ops.logSoftmax(t5.logits(hidden));
      double sum = 0;
      for (float p : Ops.pickLast(logP, array(manager, target)).toFloatArray()) {
        sum += p;
      }
      return sum;
    }
  }

  private static NDArray array(NDManager manager, int[] values) {
    long[] out = new long[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = values[i];
    }
    return manager.create(out, new Shape(1, values.length));
  }

  @Override
  public void close() {
    t5.close();
    factory.close();
    tokenizer.close();
  }
}
