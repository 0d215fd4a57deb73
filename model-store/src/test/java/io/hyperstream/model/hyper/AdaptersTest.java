package io.hyperstream.model.hyper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.backbone.Position;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.ForwardingTensors;
import io.hyperstream.model.checkpoint.SafetensorsWriter;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.evaluation.RandomWeights;
import io.hyperstream.model.t5.T5;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.tensor.Ops;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("Adapters of many tasks")
class AdaptersTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int D = 24;

  @TempDir Path folder;

  private NDScope scope;
  private T5Config t5;
  private AdapterFactory factory;
  private List<AdapterWeights> tasks;

  @BeforeEach
  void load() throws Exception {
    Ops.inferenceThread();
    t5 =
        T5Config.fromJson(
            MAPPER.readTree(
                "{\"vocab_size\":50,\"d_model\":24,\"d_kv\":5,\"d_ff\":40,\"num_heads\":3,"
                    + "\"num_layers\":3,\"num_decoder_layers\":2}"));
    factory = factory("{\"efficient_unique_hyper_net\":true}");
    tasks = factory.generate(List.of(embedding(1), embedding(2), embedding(3)));
    scope = Ops.scope();
  }

  @AfterEach
  void close() {
    scope.close();
    factory.close();
  }

  private AdapterFactory factory(String json) throws Exception {
    JsonNode node =
        MAPPER.readTree(
            json.replace(
                "}",
                ",\"reduction_factor\":5,"
                    + "\"task_embedding_dim\":6,\"projected_task_embedding_dim\":7,\"task_hidden_dim\":9,"
                    + "\"conditional_layer_norm\":true,\"non_linearity\":\"gelu_new\"}"));
    return AdapterFactory.load(
        t5.shape(),
        AdapterConfig.fromJson(node, "meta-adapter", List.of("a", "b")),
        new RandomWeights(7));
  }

  private static float[] embedding(long seed) {
    Random random = new Random(seed);
    float[] out = new float[6];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) random.nextGaussian();
    }
    return out;
  }

  private NDArray batch(int rows) {
    return t5Manager().randomNormal(new Shape(rows, 5, D));
  }

  private NDManager t5Manager() {
    return tasks.get(0).part("encoder.0.feed_forward.down.bias").getManager();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"efficient_unique_hyper_net\":true}",
        "{\"efficient_unique_hyper_net\":true,\"add_layer_norm_before_adapter\":true}",
        "{\"unique_hyper_net\":true,\"add_layer_norm_after_adapter\":false}"
      })
  @DisplayName("each row gets its own task's adapter, whatever stands beside it")
  void mixedRows(String form) throws Exception {
    try (AdapterFactory made = factory(form)) {
      List<AdapterWeights> of =
          new ArrayList<>(made.generate(List.of(embedding(1), embedding(2), embedding(3))));
      of.add(AdapterWeights.NONE);
      // a segment, short runs, none, a single short run, a segment
      int[] rows = {0, 0, 0, 0, 1, 2, 2, 1, 3, 3, 2, 3, 0, 1, 1, 1, 1, 1};
      NDArray y = batch(rows.length);
      List<AdapterWeights> weights = new ArrayList<>();
      for (int row : rows) {
        weights.add(of.get(row));
      }
      for (Stack stack : Stack.values()) {
        for (Position position : Position.values()) {
          try (BatchAdapters mixed = BatchAdapters.of(weights)) {
            NDArray together = mixed.apply(y.duplicate(), stack, 1, position);
            for (int row = 0; row < rows.length; row++) {
              NDArray alone = Ops.slice(y, 0, row, row + 1).duplicate();
              NDArray expected =
                  BatchAdapters.of(List.of(weights.get(row))).apply(alone, stack, 1, position);
              assertClose(Ops.slice(together, 0, row, row + 1), expected);
              boolean unchanged = Ops.slice(y, 0, row, row + 1).contentEquals(expected);
              assertThat(unchanged).isEqualTo(weights.get(row) == AdapterWeights.NONE);
            }
          }
        }
      }
    }
  }

  @Test
  @DisplayName(
      "a batch too large for one part is encoded in several, each row as in a batch of its own")
  void parts() {
    int rows = 6_000;
    int length = 10; // 60,000 tokens; a part has 52,428 with this width
    List<AdapterWeights> weights = new ArrayList<>();
    long[] ids = new long[rows * length];
    float[] mask = new float[ids.length];
    Random random = new Random(5);
    for (int row = 0; row < rows; row++) {
      weights.add(row % 7 == 3 ? AdapterWeights.NONE : tasks.get(row / 10 % 3));
      for (int j = 0; j < length; j++) {
        ids[row * length + j] = random.nextInt(50);
        mask[row * length + j] = j < 3 + row % 8 ? 1 : 0;
      }
    }
    try (T5 model = T5.load(t5, new RandomWeights(9));
        BatchAdapters adapters = BatchAdapters.of(weights)) {
      NDArray idArray = model.manager().create(ids, new Shape(rows, length));
      NDArray maskArray = model.manager().create(mask, new Shape(rows, length));
      NDArray together = model.encode(idArray, maskArray, adapters);
      assertThat(together.getShape()).isEqualTo(new Shape(rows, length, D));
      for (int from : new int[] {0, 2_950, 2_999, 3_000, 3_050, rows - 40}) { // halves of 3,000
        int to = from + 40;
        NDArray apart =
            model.encode(
                Ops.slice(idArray, 0, from, to),
                Ops.slice(maskArray, 0, from, to),
                adapters.slice(from, to));
        assertClose(Ops.slice(together, 0, from, to), apart);
      }
    }
  }

  @Test
  @DisplayName("many rows of one task are computed in steps, each row as in a batch of its own")
  void steps() {
    int rows = 311; // of five positions: four steps
    NDArray y = batch(rows);
    try (BatchAdapters adapters = BatchAdapters.of(Collections.nCopies(rows, tasks.get(0)));
        BatchAdapters one = BatchAdapters.of(List.of(tasks.get(0)))) {
      NDArray together = adapters.apply(y.duplicate(), Stack.ENCODER, 1, Position.FEED_FORWARD);
      for (int row = 0; row < rows; row++) {
        NDArray alone = Ops.slice(y, 0, row, row + 1).duplicate();
        assertClose(
            Ops.slice(together, 0, row, row + 1),
            one.apply(alone, Stack.ENCODER, 1, Position.FEED_FORWARD));
      }
    }
  }

  @Test
  @DisplayName("recording gradients changes nothing but leaves the input alone")
  void recording() {
    NDArray y = batch(6);
    List<AdapterWeights> rows =
        List.of(tasks.get(0), tasks.get(0), tasks.get(0), tasks.get(0), tasks.get(1), tasks.get(2));
    try (BatchAdapters adapters = BatchAdapters.of(rows)) {
      NDArray before = y.duplicate();
      Ops.setRecording(true);
      NDArray graph = adapters.apply(y, Stack.ENCODER, 0, Position.FEED_FORWARD);
      Ops.setRecording(false);
      assertThat(y.contentEquals(before)).isTrue();
      assertClose(adapters.apply(y, Stack.ENCODER, 0, Position.FEED_FORWARD), graph);
    }
  }

  @Test
  @DisplayName("a batch can be sliced and its rows repeated for beams")
  void sliceAndExpand() {
    NDArray y = batch(2);
    try (BatchAdapters adapters = BatchAdapters.of(List.of(tasks.get(0), tasks.get(1)))) {
      NDArray expected = adapters.apply(y.duplicate(), Stack.DECODER, 1, Position.SELF_ATTENTION);
      NDArray repeated = y.repeat(0, 3);
      NDArray expanded =
          adapters.expand(3).apply(repeated, Stack.DECODER, 1, Position.SELF_ATTENTION);
      assertClose(expanded, expected.repeat(0, 3));
      NDArray second = Ops.slice(y, 0, 1, 2).duplicate();
      NDArray sliced =
          adapters.slice(1, 2).apply(second, Stack.DECODER, 1, Position.SELF_ATTENTION);
      assertClose(sliced, Ops.slice(expected, 0, 1, 2));
      assertThatThrownBy(() -> adapters.apply(batch(3), Stack.DECODER, 0, Position.FEED_FORWARD))
          .hasMessageContaining("adapters of 2 rows applied to a batch of 3");
    }
  }

  @Test
  @DisplayName("a task's weights are the same to the last bit whichever tasks it is made with")
  void independentOfCompany() {
    AdapterWeights alone = factory.generate(List.of(embedding(2))).get(0);
    for (String part :
        List.of("encoder.2.self_attention.up.weight", "decoder.0.feed_forward.down.bias")) {
      assertThat(tasks.get(1).part(part).toFloatArray())
          .containsExactly(alone.part(part).toFloatArray());
      assertThat(tasks.get(0).part(part).toFloatArray())
          .isNotEqualTo(alone.part(part).toFloatArray());
    }
  }

  @Test
  @DisplayName("weights are stored as float16 and loaded back; a file of another model is refused")
  void saveAndLoad() throws Exception {
    Path file = folder.resolve("adapter.safetensors");
    tasks.get(0).save(file);

    AdapterWeights loaded = factory.make(List.of(new AdapterForm.Weights(file))).get(0);

    assertThat(loaded.bytes()).isEqualTo(tasks.get(0).bytes());
    assertThat(Files.size(file)).isLessThan(loaded.bytes());
    String part = "decoder.1.feed_forward.up.weight";
    float[] original = tasks.get(0).part(part).toFloatArray();
    float[] read = loaded.part(part).toFloatArray();
    for (int i = 0; i < read.length; i++) {
      assertThat(Math.abs(read[i] - original[i])).isLessThanOrEqualTo(1e-3f);
    }
    new SafetensorsWriter().add("encoder.down.weight", new float[12], 1, 12).write(file);
    assertThatThrownBy(() -> factory.make(List.of(new AdapterForm.Weights(file))))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("encoder.down.weight");
  }

  @Test
  @DisplayName("norms that no generator makes are read as plain ones, the same for every task")
  void plainNorms() throws Exception {
    RandomWeights random = new RandomWeights(7);
    TensorSource withoutGenerators =
        new ForwardingTensors(random) {
          @Override
          public NDArray read(NDManager manager, String name) {
            return source.read(manager, name);
          }

          @Override
          public NDArray read(NDManager manager, String name, long... shape) {
            return source.read(manager, name, shape);
          }

          @Override
          public boolean has(String name) {
            return !name.contains("layernorm_hypernet");
          }
        };
    JsonNode json =
        MAPPER.readTree(
            "{\"unique_hyper_net\":true,\"reduction_factor\":5,\"task_embedding_dim\":6}");
    AdapterConfig config = AdapterConfig.fromJson(json, "meta-adapter", List.of("a"));
    try (AdapterFactory made = AdapterFactory.load(t5.shape(), config, withoutGenerators)) {
      List<AdapterWeights> two = made.generate(List.of(embedding(1), embedding(2)));

      float[] stored =
          random
              .read(
                  t5Manager(),
                  "decoder.block.1.layer.2.adapter_controller.post_layer_norm.weight",
                  D)
              .toFloatArray();
      for (AdapterWeights weights : two) {
        assertThat(weights.part("decoder.1.feed_forward.post_norm.weight").toFloatArray())
            .containsExactly(stored);
      }
      assertThat(two.get(0).part("decoder.1.feed_forward.up.bias").toFloatArray())
          .isNotEqualTo(two.get(1).part("decoder.1.feed_forward.up.bias").toFloatArray());
    }
  }

  @Test
  @DisplayName("an embedding of another length, or a name that is not there, is refused")
  void wrongForms() {
    assertThatThrownBy(() -> factory.generate(List.of(new float[5])))
        .hasMessageContaining("has 6 values; got 5");
    assertThatThrownBy(() -> factory.make(List.of(new AdapterForm.Named("x"))))
        .hasMessageContaining("generates its adapters");
    assertThat(factory.make(List.of(new AdapterForm.None()))).containsExactly(AdapterWeights.NONE);
    assertThat(factory.taskEmbeddings()).containsOnlyKeys("a", "b");
  }

  @Test
  @DisplayName("configurations that ask for another form are refused by name")
  void configurations() {
    assertThatThrownBy(() -> factory("{\"conditional_layer_norm\":true}"))
        .hasMessageContaining("one hypernetwork per layer is not supported");
    assertThatThrownBy(() -> factory("{\"unique_hyper_net\":true,\"train_task_embeddings\":true}"))
        .hasMessageContaining("train_task_embeddings");
    assertThatThrownBy(() -> AdapterConfig.fromJson(MAPPER.readTree("{}"), "lora", List.of()))
        .hasMessageContaining("'lora' is not supported");
    assertThatThrownBy(() -> factory("{\"unique_hyper_net\":true}").config().bottleneck(4))
        .hasMessageContaining("leaves nothing of d_model 4");
  }

  private static void assertClose(NDArray ours, NDArray reference) {
    assertThat(ours.getShape()).isEqualTo(reference.getShape());
    assertThat(ours.sub(reference).abs().max().getFloat()).isLessThan(2e-5f);
  }
}
