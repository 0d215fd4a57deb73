package io.hyperstream.model.bert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.Pooling;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.evaluation.RandomWeights;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("BERT with adapters of many tasks")
class BertTest {
  private static final int TASK_EMBEDDING = 6;
  private static final Pooling FIRST = new Pooling(Pooling.Kind.FIRST, true);

  private Bert bert;
  private AdapterFactory factory;

  @BeforeEach
  void open() throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    BertConfig config =
        BertConfig.fromJson(
            mapper.readTree(
                """
                {"model_type": "bert", "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 3,
                 "num_attention_heads": 4, "intermediate_size": 32, "max_position_embeddings": 24}
                """));
    RandomWeights weights = new RandomWeights(3);
    bert = Bert.load(config, 24, weights, Optional.empty());
    AdapterConfig adapters =
        AdapterConfig.fromJson(
            mapper.readTree(
                """
                {"efficient_unique_hyper_net": true, "reduction_factor": 4, "task_embedding_dim": 6,
                 "projected_task_embedding_dim": 7, "task_hidden_dim": 9,
                 "conditional_layer_norm": true, "non_linearity": "gelu_new"}
                """),
            "meta-adapter",
            List.of("a", "b"));
    factory = AdapterFactory.load(bert.shape(), adapters, weights);
  }

  @AfterEach
  void close() {
    factory.close();
    bert.close();
    Ops.setRecording(false);
  }

  private static float[] embedding(long seed) {
    Random random = new Random(seed);
    float[] out = new float[TASK_EMBEDDING];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) random.nextGaussian();
    }
    return out;
  }

  private static TokenSequence sequence(long seed) {
    Random random = new Random(seed);
    int[] ids = new int[3 + random.nextInt(20)];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = 1 + random.nextInt(49);
    }
    return new TokenSequence(ids, random.nextBoolean() ? ids.length : ids.length / 2);
  }

  private float[] vector(TokenSequence sequence, AdapterWeights weights) {
    try (NDScope scope = Ops.scope();
        BatchAdapters hook = BatchAdapters.of(List.of(weights))) {
      scope.suppressNotUsedWarning();
      return bert.encode(TokenBatch.of(bert, List.of(sequence)), hook).vectors(FIRST)[0];
    }
  }

  @Test
  @DisplayName("a row of a mixed batch is what it is alone, whatever stands beside it")
  void mixed() {
    Ops.inferenceThread();
    List<AdapterWeights> tasks =
        new ArrayList<>(factory.generate(List.of(embedding(1), embedding(2), embedding(3))));
    tasks.add(AdapterWeights.NONE);
    int[] rows = {0, 0, 0, 0, 0, 1, 2, 2, 1, 3, 3, 2, 3, 0, 1, 1, 1, 1, 1};
    List<TokenSequence> sequences = new ArrayList<>();
    List<AdapterWeights> weights = new ArrayList<>();
    for (int i = 0; i < rows.length; i++) {
      sequences.add(sequence(i));
      weights.add(tasks.get(rows[i]));
    }
    try (NDScope scope = Ops.scope();
        BatchAdapters hook = BatchAdapters.of(weights)) {
      scope.suppressNotUsedWarning();
      float[][] together = bert.encode(TokenBatch.of(bert, sequences), hook).vectors(FIRST);
      for (int i = 0; i < rows.length; i++) {
        float[] alone = vector(sequences.get(i), weights.get(i));
        for (int j = 0; j < alone.length; j++) {
          assertThat(together[i][j]).isCloseTo(alone[j], within(1e-4f));
        }
        float[] bare = vector(sequences.get(i), AdapterWeights.NONE);
        assertThat(java.util.Arrays.equals(alone, bare)).isEqualTo(rows[i] == 3);
      }
    }
  }

  @Test
  @DisplayName("recording or not, the states are the same")
  void recording() {
    AdapterWeights weights = factory.generate(List.of(embedding(1))).get(0);
    List<TokenSequence> sequences = List.of(sequence(1), sequence(2));
    Ops.setRecording(false);
    float[] plain = states(sequences, weights);
    Ops.setRecording(true);
    float[] recorded = states(sequences, weights);
    for (int i = 0; i < plain.length; i++) {
      assertThat(recorded[i]).isCloseTo(plain[i], within(2e-5f));
    }
  }

  private float[] states(List<TokenSequence> sequences, AdapterWeights weights) {
    try (NDScope scope = Ops.scope();
        AdapterHook hook = BatchAdapters.of(List.of(weights, weights))) {
      scope.suppressNotUsedWarning();
      return bert.encode(TokenBatch.of(bert, sequences), hook).states().toFloatArray();
    }
  }

  @Test
  @DisplayName("gradients reach the task embedding through every layer, as finite differences say")
  void gradients() {
    Ops.setRecording(true);
    List<TokenSequence> sequences = List.of(sequence(1), sequence(2), sequence(3));
    float[] values = embedding(5);
    float[] gradient;
    try (NDManager manager = Ops.newManager();
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray leaf = Autograd.leaf(manager, manager.create(values, new Shape(1, TASK_EMBEDDING)));
      Autograd.backward(loss(sequences, leaf));
      gradient = Autograd.gradient(leaf).toFloatArray();
    }
    Ops.setRecording(false);
    float step = 5e-3f;
    for (int i = 0; i < values.length; i++) {
      double slope = (lossAt(sequences, values, i, step) - lossAt(sequences, values, i, -step));
      assertThat(gradient[i])
          .isCloseTo(
              (float) (slope / (2 * step)), within(2e-2f * Math.max(0.5f, Math.abs(gradient[i]))));
    }
    float largest = 0;
    for (float value : gradient) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertThat(largest).isGreaterThan(1e-2f);
  }

  private double lossAt(List<TokenSequence> sequences, float[] values, int place, float step) {
    float[] moved = values.clone();
    moved[place] += step;
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray embedding = bert.manager().create(moved, new Shape(1, TASK_EMBEDDING));
      return loss(sequences, embedding).getFloat();
    }
  }

  /** A number that every state counts in. */
  private NDArray loss(List<TokenSequence> sequences, NDArray embedding) {
    AdapterWeights weights = factory.generate(embedding).get(0);
    AdapterHook hook = BatchAdapters.of(List.of(weights, weights, weights));
    Encoded encoded = bert.encode(TokenBatch.of(bert, sequences), hook);
    NDArray pooled = encoded.pooled(FIRST); // [B, d]
    float[] direction = new float[16];
    for (int i = 0; i < direction.length; i++) {
      direction[i] = i % 3 - 1;
    }
    return pooled.mul(bert.manager().create(direction)).sum();
  }

  @Test
  @DisplayName("a sequence longer than the position table is refused")
  void tooLong() {
    Ops.inferenceThread();
    int[] ids = new int[40];
    java.util.Arrays.fill(ids, 7);
    org.assertj.core.api.Assertions.assertThatThrownBy(
            () ->
                bert.encode(TokenBatch.of(bert, List.of(new TokenSequence(ids))), AdapterHook.NONE))
        .hasMessageContaining("at most 24 tokens")
        .hasMessageContaining("40");
  }
}
