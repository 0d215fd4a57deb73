package io.hyperstream.model.bert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.Pooling;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.backbone.TokenBatch;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.evaluation.RandomWeights;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.hyper.AdapterFactory;
import io.hyperstream.model.hyper.AdapterWeights;
import io.hyperstream.model.hyper.BatchAdapters;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Kernels;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import io.hyperstream.model.tensor.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("BERT with adapters of many tasks")
class BertTest {
  private static final int TASK_EMBEDDING = 6;
  private static final Pooling FIRST = new Pooling(Pooling.Kind.FIRST, true);

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final RandomWeights WEIGHTS = new RandomWeights(3);

  private Bert bert;
  private AdapterFactory factory;

  @BeforeEach
  void open() throws Exception {
    bert = bert("gelu", Precision.F32);
    factory = adapters("gelu_new", false, true);
  }

  private static Bert bert(String activation, Precision precision) throws Exception {
    String config =
        """
        {"model_type": "bert", "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 3,
         "num_attention_heads": 4, "intermediate_size": 32, "max_position_embeddings": 24,
         "hidden_act": "%s"}
        """;
    BertConfig read = BertConfig.fromJson(MAPPER.readTree(config.formatted(activation)));
    return Bert.load(read, 24, WEIGHTS, Optional.empty(), precision);
  }

  private AdapterFactory adapters(String activation, boolean before, boolean after)
      throws Exception {
    return adapters(activation, before, after, 0);
  }

  private AdapterFactory adapters(String activation, boolean before, boolean after, int firstLayer)
      throws Exception {
    String config =
        """
        {"efficient_unique_hyper_net": true, "reduction_factor": 4, "task_embedding_dim": 6,
         "projected_task_embedding_dim": 7, "task_hidden_dim": 9, "conditional_layer_norm": true,
         "non_linearity": "%s", "add_layer_norm_before_adapter": %s,
         "add_layer_norm_after_adapter": %s, "first_layer": %d}
        """;
    return AdapterFactory.load(
        bert.shape(),
        AdapterConfig.fromJson(
            MAPPER.readTree(config.formatted(activation, before, after, firstLayer)),
            "meta-adapter",
            List.of("a", "b")),
        WEIGHTS);
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

  @ParameterizedTest(name = "{0} workers, norm before: {1}, after: {2}")
  @CsvSource({"1, false, true", "3, false, true", "1, true, true", "2, false, false"})
  @DisplayName("a row of a mixed batch is what it is alone, whatever stands beside it")
  void mixed(int workerCount, boolean before, boolean after) throws Exception {
    factory.close();
    factory = adapters("gelu_new", before, after);
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
        Workers workers = Workers.of(workerCount, workerCount);
        BatchAdapters hook = BatchAdapters.of(weights)) {
      scope.suppressNotUsedWarning();
      float[][] together =
          bert.encode(TokenBatch.of(bert, sequences), hook, workers).vectors(FIRST);
      for (int i = 0; i < rows.length; i++) {
        float[] alone = vector(sequences.get(i), weights.get(i));
        for (int j = 0; j < alone.length; j++) {
          assertThat(together[i][j]).isCloseTo(alone[j], within(1e-4f));
        }
        float[] bare = vector(sequences.get(i), AdapterWeights.NONE);
        assertThat(Arrays.equals(alone, bare)).isEqualTo(rows[i] == 3);
      }
    }
  }

  @Test
  @DisplayName("equal sequences are computed once for equal adapters, and per adapter otherwise")
  void shared() {
    Ops.inferenceThread();
    List<AdapterWeights> tasks = factory.generate(List.of(embedding(1), embedding(2)));
    TokenSequence once = new TokenSequence(new int[] {5, 6, 7});
    TokenSequence again = new TokenSequence(new int[] {5, 6, 7});
    TokenSequence pair = new TokenSequence(new int[] {5, 6, 7}, 1);
    List<TokenSequence> sequences = List.of(once, again, again, pair, once);
    try (NDScope scope = Ops.scope();
        BatchAdapters hook =
            BatchAdapters.of(
                List.of(
                    tasks.get(0), tasks.get(0), tasks.get(1), tasks.get(0), AdapterWeights.NONE))) {
      scope.suppressNotUsedWarning();
      Encoded encoded = bert.encode(TokenBatch.of(bert, sequences), hook);
      assertThat(encoded.computed()).isEqualTo(4 * 3);
      float[][] vectors = encoded.vectors(FIRST);
      assertThat(vectors[1]).isEqualTo(vectors[0]);
      assertThat(List.of(vectors[2], vectors[3], vectors[4]))
          .allSatisfy(other -> assertThat(other).isNotEqualTo(vectors[0]));
    }
  }

  @ParameterizedTest(name = "adapters from layer {0} of 3")
  @ValueSource(ints = {1, 2})
  @DisplayName("layers below the adapters are computed once for all tasks that ask about a text")
  void sharedLayers(int firstLayer) throws Exception {
    factory.close();
    factory = adapters("gelu_new", false, true, firstLayer);
    Ops.inferenceThread();
    List<AdapterWeights> tasks =
        new ArrayList<>(factory.generate(List.of(embedding(1), embedding(2), embedding(3))));
    tasks.add(AdapterWeights.NONE);
    List<TokenSequence> sequences = new ArrayList<>();
    List<AdapterWeights> weights = new ArrayList<>();
    for (AdapterWeights task : tasks) {
      for (int text = 0; text < 2; text++) {
        sequences.add(sequence(text));
        weights.add(task);
      }
    }
    int tokens = sequence(0).length() + sequence(1).length();
    try (NDScope scope = Ops.scope();
        BatchAdapters hook = BatchAdapters.of(weights)) {
      scope.suppressNotUsedWarning();
      Encoded encoded = bert.encode(TokenBatch.of(bert, sequences), hook);
      assertThat(encoded.computed()).isEqualTo(tokens * (firstLayer + 4 * (3 - firstLayer)) / 3);
      float[][] last = encoded.vectors(FIRST);
      float[][] middle = encoded.half().orElseThrow().vectors(FIRST);
      for (int i = 0; i < last.length; i++) {
        try (BatchAdapters alone = BatchAdapters.of(List.of(weights.get(i)))) {
          Encoded one = bert.encode(TokenBatch.of(bert, List.of(sequences.get(i))), alone);
          assertThat(last[i]).containsExactly(one.vectors(FIRST)[0], within(1e-5f));
          assertThat(middle[i])
              .containsExactly(one.half().orElseThrow().vectors(FIRST)[0], within(1e-5f));
        }
      }
    }
  }

  @ParameterizedTest(name = "{0}, adapters {1}, norm before: {2}, after: {3}")
  @CsvSource({
    "gelu, gelu_new, false, true",
    "relu, relu, false, true",
    "gelu_new, swish, false, false",
    "swish, tanh, true, true",
    "tanh, linear, true, false"
  })
  @DisplayName("the kernels compute what the plain operations do that record gradients")
  void recording(String activation, String adapterActivation, boolean before, boolean after)
      throws Exception {
    bert.close();
    factory.close();
    bert = bert(activation, Precision.F32);
    factory = adapters(adapterActivation, before, after, 1);
    Ops.setRecording(false);
    AdapterWeights weights = factory.generate(List.of(embedding(1))).get(0);
    List<TokenSequence> sequences = List.of(sequence(1), sequence(2));
    float[] kernels = states(sequences, weights);
    Ops.setRecording(true);
    float[] plain = states(sequences, weights);
    for (int i = 0; i < plain.length; i++) {
      assertThat(kernels[i]).isCloseTo(plain[i], within(2e-5f));
    }
  }

  @Test
  @DisplayName("bf16 is near f32, and not the same")
  void half() throws Exception {
    Ops.inferenceThread();
    if (!Kernels.of(bert.manager().getDevice()).bf16()) {
      assertThatThrownBy(() -> Precision.of("bf16", Device.cpu()))
          .hasMessageContaining("cannot be computed on this processor");
      assertThat(Precision.of("auto", Device.cpu())).isEqualTo(Precision.F32);
      return;
    }
    AdapterWeights weights = factory.generate(List.of(embedding(1))).get(0);
    List<TokenSequence> sequences = List.of(sequence(1), sequence(2));
    float[] full = states(sequences, weights);
    bert.close();
    bert = bert("gelu", Precision.BF16);
    float[] half = states(sequences, weights);
    assertThat(half).isNotEqualTo(full);
    for (int i = 0; i < full.length; i++) {
      assertThat(half[i]).isCloseTo(full[i], within(0.1f));
    }
  }

  private float[] states(List<TokenSequence> sequences, AdapterWeights weights) {
    try (NDScope scope = Ops.scope();
        AdapterHook hook = BatchAdapters.of(List.of(weights, weights))) {
      scope.suppressNotUsedWarning();
      Encoded encoded = bert.encode(TokenBatch.of(bert, sequences), hook);
      NDArray tokens = encoded.states().mul(encoded.mask().expandDims(2)); // padding is anything
      return tokens.toFloatArray();
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

  @ParameterizedTest(name = "adapters from layer {0} of 3")
  @ValueSource(ints = {1, 2})
  @DisplayName("layers below the adapters are not recorded; loss and gradients are the same")
  void belowAdapters(int firstLayer) throws Exception {
    factory.close();
    factory = adapters("relu", false, false, firstLayer);
    Ops.setRecording(true);
    List<TokenSequence> sequences = List.of(sequence(1), sequence(2), sequence(3));
    float[] some = gradientAndLoss(sequences, hook -> hook);
    float[] all = gradientAndLoss(sequences, Recorded::new);
    assertThat(some).hasSize(TASK_EMBEDDING + 1);
    for (int i = 0; i < some.length; i++) {
      assertThat(some[i]).isCloseTo(all[i], within(1e-5f + 1e-3f * Math.abs(all[i])));
    }
    assertThat(some[0]).isNotZero();
  }

  /** Does not say that some layers need no gradients. */
  private record Recorded(AdapterHook hook) implements AdapterHook {
    @Override
    public NDArray apply(NDArray y, Stack stack, int layer, Position position) {
      return hook.apply(y, stack, layer, position);
    }
  }

  private float[] gradientAndLoss(
      List<TokenSequence> sequences, UnaryOperator<AdapterHook> change) {
    try (NDManager manager = Ops.newManager();
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray values = manager.create(embedding(5), new Shape(1, TASK_EMBEDDING));
      NDArray leaf = Autograd.leaf(manager, values);
      NDArray loss = loss(sequences, leaf, change);
      Autograd.backward(loss);
      float[] out = Arrays.copyOf(Autograd.gradient(leaf).toFloatArray(), TASK_EMBEDDING + 1);
      out[TASK_EMBEDDING] = loss.getFloat();
      return out;
    }
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
    return loss(sequences, embedding, hook -> hook);
  }

  private NDArray loss(
      List<TokenSequence> sequences, NDArray embedding, UnaryOperator<AdapterHook> change) {
    AdapterWeights weights = factory.generate(embedding).get(0);
    AdapterHook hook = change.apply(BatchAdapters.of(List.of(weights, weights, weights)));
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
    Arrays.fill(ids, 7);
    assertThatThrownBy(
            () ->
                bert.encode(TokenBatch.of(bert, List.of(new TokenSequence(ids))), AdapterHook.NONE))
        .hasMessageContaining("at most 24 tokens")
        .hasMessageContaining("40");
  }
}
