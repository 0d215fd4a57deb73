package io.hyperstream.model.t5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.backbone.AdapterHook;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.evaluation.RandomWeights;
import io.hyperstream.model.tensor.Ops;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("T5")
class T5Test {
  private static final int VOCABULARY = 50;

  private NDScope scope;
  private T5 t5;

  /** Heads times d_kv is not d_model, the decoder is shallower, buckets are few. */
  private static T5Config config(String more) throws Exception {
    return T5Config.fromJson(
        new ObjectMapper()
            .readTree(
                "{\"vocab_size\":50,\"d_model\":24,\"d_kv\":5,\"d_ff\":40,\"num_heads\":3,"
                    + "\"num_layers\":3,\"num_decoder_layers\":2,"
                    + "\"relative_attention_num_buckets\":8,\"relative_attention_max_distance\":20"
                    + more
                    + "}"));
  }

  @BeforeEach
  void load() throws Exception {
    Ops.inferenceThread();
    t5 = T5.load(config(""), new RandomWeights(1));
    scope = Ops.scope();
  }

  @AfterEach
  void close() {
    scope.close();
    t5.close();
  }

  private NDArray ids(long[][] rows) {
    long[] flat = Arrays.stream(rows).flatMapToLong(Arrays::stream).toArray();
    return t5.manager().create(flat, new Shape(rows.length, rows[0].length));
  }

  private NDArray mask(float[][] rows) {
    return t5.manager().create(rows);
  }

  private CrossMemory memory() {
    NDArray mask = mask(new float[][] {{1, 1, 1, 1}, {1, 1, 0, 0}});
    NDArray encoded =
        t5.encode(ids(new long[][] {{5, 9, 7, 1}, {8, 1, 0, 0}}), mask, AdapterHook.NONE);
    return t5.attendTo(encoded, mask);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",\"cross_attention_relative_bias\":true"})
  @DisplayName("every path of a tree computes what it would as a sequence of its own")
  void treeEqualsSequences(String more) throws Exception {
    try (T5 model = T5.load(config(more), new RandomWeights(2))) {
      CrossMemory memory = memory();
      // 0 -> 10 -> {11 -> 12, 13}, 0 -> 14
      int[] parents = {-1, 0, 1, 2, 1, 0};
      long[] tokens = {0, 10, 11, 12, 13, 14};
      NDArray tree =
          model.decode(
              ids(new long[][] {tokens, tokens}), model.tree(parents), memory, AdapterHook.NONE);

      for (int[] path : List.of(new int[] {0, 1, 2, 3}, new int[] {0, 1, 4}, new int[] {0, 5})) {
        long[] sequence = Arrays.stream(path).mapToLong(i -> tokens[i]).toArray();
        NDArray alone =
            model.decode(
                ids(new long[][] {sequence, sequence}),
                model.causal(path.length),
                memory,
                AdapterHook.NONE);
        for (int i = 0; i < path.length; i++) {
          assertClose(Ops.select(tree, 1, path[i]), Ops.select(alone, 1, i));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",\"cross_attention_relative_bias\":true"})
  @DisplayName("decoding step by step computes what one pass does")
  void stepsEqualOnePass(String more) throws Exception {
    try (T5 model = T5.load(config(more), new RandomWeights(3));
        KeyValueCache cache = model.newCache()) {
      CrossMemory memory = memory();
      long[][] tokens = {{0, 20, 21, 22, 23}, {0, 30, 31, 1, 0}};
      NDArray once = model.decode(ids(tokens), model.causal(5), memory, AdapterHook.NONE);
      for (int i = 0; i < 5; i++) {
        NDArray step = ids(new long[][] {{tokens[0][i]}, {tokens[1][i]}});
        NDArray hidden = model.step(step, cache, memory, AdapterHook.NONE);
        assertClose(Ops.select(hidden, 1, 0), Ops.select(once, 1, i));
      }
      assertThat(cache.length()).isEqualTo(5);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",\"cross_attention_relative_bias\":true"})
  @DisplayName("attending to the states computes what attending to keys and values does")
  void statesEqualKeys(String more) throws Exception {
    try (T5 model = T5.load(config(more), new RandomWeights(4))) {
      NDArray mask = mask(new float[][] {{1, 1, 1, 1}, {1, 1, 0, 0}});
      NDArray encoded =
          model.encode(ids(new long[][] {{5, 9, 7, 1}, {8, 1, 0, 0}}), mask, AdapterHook.NONE);
      CrossMemory states = model.remember(encoded, mask);
      NDArray tokens = ids(new long[][] {{0, 4, 9}, {0, 6, 2}});
      NDArray expected =
          model.decode(tokens, model.causal(3), model.attendTo(states), AdapterHook.NONE);

      assertClose(model.decode(tokens, model.causal(3), states, AdapterHook.NONE), expected);
      NDArray second = Ops.slice(expected, 0, 1, 2);
      NDArray asked = ids(new long[][] {{0, 6, 2}});
      assertClose(
          model.decode(asked, model.causal(3), states.slice(1, 2), AdapterHook.NONE), second);
      assertClose(
          model.decode(asked, model.causal(3), states.select(new int[] {1}), AdapterHook.NONE),
          second);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",\"cross_attention_relative_bias\":true"})
  @DisplayName("decoding a tree level by level computes what one pass does")
  void levelsEqualOnePass(String more) throws Exception {
    try (T5 model = T5.load(config(more), new RandomWeights(5));
        KeyValueCache cache = model.newCache()) {
      CrossMemory memory = memory();
      int[] parents = {-1, 0, 0, 2, 1}; // the second level is {1, 2}, the third {3, 4}
      long[] tokens = {0, 10, 11, 12, 13};
      NDArray once =
          model.decode(
              ids(new long[][] {tokens, tokens}), model.tree(parents), memory, AdapterHook.NONE);
      int[] ends = {1, 3, 5};
      for (int level = 0; level < ends.length; level++) {
        int from = level == 0 ? 0 : ends[level - 1];
        int to = ends[level];
        long[] nodes = Arrays.copyOfRange(tokens, from, to);
        float[] seen = new float[2 * (to - from) * to];
        Arrays.fill(seen, T5.UNSEEN);
        for (int i = 0; i < 2 * (to - from); i++) {
          for (int node = from + i % (to - from); node >= 0; node = parents[node]) {
            seen[i * to + node] = 0;
          }
        }
        NDArray hidden =
            model.extend(
                ids(new long[][] {nodes, nodes}),
                Arrays.copyOf(new int[] {0, 1, 1, 2, 2}, to),
                model.manager().create(seen, new Shape(2, 1, to - from, to)),
                cache,
                memory,
                AdapterHook.NONE);
        assertClose(hidden, Ops.slice(once, 1, from, to));
      }
    }
  }

  @Test
  @DisplayName("padding and other rows do not change a row")
  void padding() {
    NDArray alone =
        t5.encode(ids(new long[][] {{8, 1}}), mask(new float[][] {{1, 1}}), AdapterHook.NONE);
    NDArray padded =
        t5.encode(
            ids(new long[][] {{5, 9, 7, 1}, {8, 1, 33, 44}}),
            mask(new float[][] {{1, 1, 1, 1}, {1, 1, 0, 0}}),
            AdapterHook.NONE);

    assertClose(Ops.slice(Ops.slice(padded, 0, 1, 2), 1, 0, 2), alone);
  }

  @Test
  @DisplayName("rows of a memory can be taken as a slice or by number")
  void memoryRows() {
    CrossMemory both = memory();
    NDArray tokens = ids(new long[][] {{0, 4}, {0, 6}});
    NDArray expected = t5.decode(tokens, t5.causal(2), both, AdapterHook.NONE);

    NDArray second = ids(new long[][] {{0, 6}});
    NDArray slice = t5.decode(second, t5.causal(2), both.slice(1, 2), AdapterHook.NONE);
    NDArray swapped =
        t5.decode(
            ids(new long[][] {{0, 6}, {0, 4}, {0, 6}}),
            t5.causal(2),
            both.select(new int[] {1, 0, 1}),
            AdapterHook.NONE);

    assertClose(slice, Ops.slice(expected, 0, 1, 2));
    assertClose(Ops.select(swapped, 0, 0), Ops.select(expected, 0, 1));
    assertClose(Ops.select(swapped, 0, 1), Ops.select(expected, 0, 0));
    assertClose(Ops.select(swapped, 0, 2), Ops.select(expected, 0, 1));
  }

  @Test
  @DisplayName("one beam finds what greedy search finds; its sum is that of teacher forcing")
  void generation() {
    CrossMemory memory = memory();
    List<Generated> greedy = t5.generate(memory, AdapterHook.NONE, GenerationOptions.greedy(7));

    for (int row = 0; row < 2; row++) {
      int[] tokens = greedy.get(row).tokens();
      long[] input = Arrays.stream(tokens).limit(tokens.length - 1L).asLongStream().toArray();
      NDArray hidden =
          t5.decode(
              ids(new long[][] {input}),
              t5.causal(input.length),
              memory.slice(row, row + 1),
              AdapterHook.NONE);
      float[] logP = Ops.logSoftmax(t5.logits(hidden)).toFloatArray();
      double sum = 0;
      for (int i = 1; i < tokens.length; i++) {
        sum += logP[(i - 1) * VOCABULARY + tokens[i]];
      }
      assertThat(greedy.get(row).sumLogProbability()).isCloseTo(sum, within(1e-4));
    }
    List<Generated> beams =
        t5.generate(memory, AdapterHook.NONE, new GenerationOptions(7, 8, 0, false));
    for (int row = 0; row < 2; row++) {
      assertThat(beams.get(row).sumLogProbability())
          .isGreaterThanOrEqualTo(greedy.get(row).sumLogProbability() - 1e-4);
    }
  }

  @Test
  @DisplayName("a tree with a parent behind its child is refused")
  void badTree() {
    assertThatThrownBy(() -> t5.tree(new int[] {-1, 2, 0}))
        .hasMessageContaining("position 1 needs a parent before it");
  }

  @Test
  @DisplayName("weights of another shape than configured are refused by name")
  void wrongWeights() throws Exception {
    Safetensors other =
        Safetensors.open(Path.of("src/test/resources/fixtures/t5.weights.safetensors"));

    assertThatThrownBy(() -> T5.load(config(""), other))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("'shared.weight' has shape [128, 32]")
        .hasMessageContaining("[50, 24]");
  }

  private static void assertClose(NDArray ours, NDArray reference) {
    assertThat(ours.toFloatArray()).hasSameSizeAs(reference.toFloatArray());
    assertThat(ours.sub(reference).abs().max().getFloat()).isLessThan(2e-5f);
  }
}
