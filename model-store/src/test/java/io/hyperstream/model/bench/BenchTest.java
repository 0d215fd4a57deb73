package io.hyperstream.model.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import io.hyperstream.model.inference.ModelOptions;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.tensor.Kernels;
import io.hyperstream.model.training.Preset;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Benchmarks")
class BenchTest {

  private static final BenchSource SMALL = BenchSource.of(ModelShape.T5_SMALL);

  @Test
  @DisplayName("the engine's rows carry their settings and the ratio to the same run's ceiling")
  void engine() {
    List<BenchRow> rows =
        EngineBench.run(new EngineBench.Options(SMALL, 2, 8, 3, 2, 2, TaskMix.UNIFORM, 2));

    assertThat(rows)
        .extracting(BenchRow::bench)
        .containsExactly(
            "gemm",
            "engine.encoder",
            "engine.batch",
            "engine.bare",
            "engine.adapters",
            "engine.tokens",
            "engine.greedy",
            "engine.greedy-batch");
    assertThat(rows).allSatisfy(row -> assertThat(row.value()).isPositive());
    assertThat(rows.get(1).ratioTo()).isEqualTo("gemm");
    assertThat(rows.get(1).ratio()).isPositive();
    assertThat(rows.get(4).ratioTo()).isEqualTo("engine.bare");
    assertThat(rows.get(1).config()).containsEntry("model", "t5-small").containsEntry("batch", 2);
    assertThat(rows.get(1).toMap())
        .containsOnlyKeys(
            "bench",
            "config",
            "value",
            "unit",
            "ratioTo",
            "ratio",
            "leastRatio",
            "mostRatio",
            "spread");
    assertThat(rows.get(0).toMap()).containsEntry("ratio", null).containsEntry("leastRatio", null);
    assertThat(rows.get(1).ratio()).isBetween(rows.get(1).leastRatio(), rows.get(1).mostRatio());
  }

  @Test
  @DisplayName("mixes of tasks are held against the bare backbone, a crowd against one task")
  void adapters() {
    List<BenchRow> rows =
        AdapterBench.run(new AdapterBench.Options(SMALL, 2, 4, 200, 0.64, 1)); // 128 resident

    assertThat(rows)
        .filteredOn(row -> row.bench().equals("adapters.mix"))
        .extracting(row -> row.config().get("tasks"))
        .containsExactly(1, 4, 8, 32, 128);
    assertThat(rows)
        .filteredOn(row -> row.ratioTo().equals("adapters.bare"))
        .hasSize(5)
        .allSatisfy(row -> assertThat(row.ratio()).isPositive());
    assertThat(rows)
        .filteredOn(row -> row.bench().equals("adapters.encoder"))
        .hasSize(5)
        .allSatisfy(row -> assertThat(row.ratio()).isPositive().isFinite());
    BenchRow zipf = row(rows, "adapters.zipf");
    assertThat(zipf.ratioTo()).isEqualTo("adapters.one-task");
    assertThat(zipf.config()).containsEntry("registered", 200).containsEntry("resident", 128L);
    assertThat(row(rows, "adapters.hits").value()).isBetween(0.0, 100.0);
    // Two stacks of six layers of two adapters of 17,936 values; the encoder's folded as well, by
    // 17 x 17 and 512 x 18 values each.
    assertThat(row(rows, "adapters.memory").value())
        .isCloseTo(128 * (24 * 17_936 + 12 * (17 * 17 + 512 * 18)) * 4 / 1e6, within(1e-6));
    assertThat(row(rows, "adapters.embedding").value()).isEqualTo(256);
  }

  private static BenchRow row(List<BenchRow> rows, String bench) {
    return rows.stream().filter(row -> row.bench().equals(bench)).findFirst().orElseThrow();
  }

  @Test
  @DisplayName("label sets are held against two labels; a beam as wide as the set agrees")
  void labels() {
    LabelBench.LabelSet set =
        new LabelBench.LabelSet(
            "moods", List.of("glad", "sad", "angry at all"), List.of(), List.of("what a day"));

    List<BenchRow> rows =
        LabelBench.run(new LabelBench.Options(SMALL, 2, 4, List.of(5), 2, List.of(set), 8, 1));

    assertThat(rows)
        .extracting(BenchRow::bench)
        .containsExactly(
            "labels.two",
            "labels.exact",
            "labels.beam",
            "labels.beam.arithmetic",
            "labels.agreement",
            "labels.exact",
            "labels.beam",
            "labels.beam.arithmetic",
            "labels.agreement");
    // The root, three first tokens of five labels, their five second tokens.
    assertThat(rows.get(3).value())
        .isEqualTo(EngineBench.gigaflop(ModelShape.T5_SMALL.t5(), 2, 4, 9));
    assertThat(rows.get(3).ratio()).isGreaterThan(1);
    assertThat(rows)
        .filteredOn(row -> row.bench().equals("labels.agreement"))
        .allSatisfy(row -> assertThat(row.value()).isEqualTo(100));
    assertThat(rows.get(1).config()).containsEntry("labels", 5);
    assertThat(rows.get(5).config()).containsEntry("task", "moods").containsEntry("labels", 3);
  }

  @Test
  @DisplayName("by Zipf's law the first task has twice the second's share; evenly all have one")
  void mix() {
    int[] drawn = TaskMix.ZIPF.draw(1000, 30_000, new Random(1));
    double first = Arrays.stream(drawn).filter(task -> task == 0).count();
    double second = Arrays.stream(drawn).filter(task -> task == 1).count();

    assertThat(first / second).isCloseTo(2, within(0.15));
    assertThat(drawn).isSorted();
    assertThat(TaskMix.UNIFORM.draw(2, 4, new Random(1))).containsExactly(0, 0, 1, 1);
    assertThat(TaskMix.UNIFORM.draw(1000, 4, new Random(1))).isSorted().doesNotHaveDuplicates();
  }

  @Test
  @DisplayName("a training step is held against the forward pass of the same batch")
  void training() {
    List<BenchRow> rows =
        TrainBench.run(
            new TrainBench.Options(ModelShape.T5_SMALL, Preset.HYPERFORMER_PLUS_PLUS, 2, 4, 2, 2));

    assertThat(rows).extracting(BenchRow::bench).containsExactly("train.forward", "train.step");
    BenchRow step = rows.get(1);
    assertThat(step.ratioTo()).isEqualTo("train.forward");
    assertThat(step.ratio()).isPositive();
    // One task of model-spec's count for T5-small: its embedding, T5's norms, two hypernetworks.
    assertThat(step.config()).containsEntry("trained", 2_415_328L);
  }

  @Test
  @DisplayName("matrix products and copying are measured in several sizes")
  void gemm() {
    List<BenchRow> rows = GemmBench.run(1);

    assertThat(rows)
        .extracting(BenchRow::bench)
        .contains("limit", "clock", "gemm.plain", "gemm.onednn", "gemm.packed", "copy");
    assertThat(rows).extracting(BenchRow::unit).containsOnly("GFLOP/s", "GB/s", "GHz");
    assertThat(rows).allSatisfy(row -> assertThat(row.value()).isPositive());
    assertThat(row(rows, "gemm.plain").config()).containsEntry("usedBy", "training");
    // The engine's product twice: beside the plain one, and beside the same product alone.
    assertThat(rows)
        .filteredOn(row -> row.bench().equals("gemm.packed"))
        .hasSize(10)
        .allSatisfy(
            row -> {
              assertThat(row.ratio()).isPositive();
              assertThat(row.config()).containsEntry("usedBy", "the engine with precision f32");
            })
        .extracting(BenchRow::ratioTo)
        .contains("gemm.plain", "gemm.packed.bare");
    List<String> names = rows.stream().map(BenchRow::bench).toList();
    boolean bf16 = Kernels.of(Device.cpu()).bf16();
    assertThat(names.contains("gemm.onednn.bf16")).isEqualTo(bf16);
    assertThat(names.contains("gemm.packed.bf16")).isEqualTo(bf16);
    double limit = Machine.limit().gigaflopsBf16(); // twice as many fit, or none are computed
    assertThat(names.contains("limit.bf16")).isEqualTo(limit > 0);
    assertThat(limit).matches(is -> is == 0 || is > Machine.limit().gigaflops());
  }

  @Nested
  @DisplayName("of an encoder without a decoder")
  class OfAnEncoder {
    @TempDir static Path folder;
    private static BenchSource bge;

    @BeforeAll
    static void install() throws IOException {
      bge = BenchSource.of(ShippedModel.BGE_SMALL.install(new FileModelStore(folder)));
    }

    @Test
    @DisplayName("hold it against products of its own shape, and decode nothing")
    void engine() {
      List<BenchRow> rows =
          EngineBench.run(new EngineBench.Options(bge, 2, 8, 3, 1, 2, TaskMix.UNIFORM, 1));

      assertThat(rows)
          .extracting(BenchRow::bench)
          .containsExactly(
              "gemm",
              "engine.encoder",
              "engine.batch",
              "engine.bare",
              "engine.adapters",
              "engine.tokens");
      assertThat(rows).allSatisfy(row -> assertThat(row.value()).isPositive());
    }

    @Test
    @DisplayName("count its 21.2 million weights per token, and the attention")
    void flops() {
      try (BenchModel model = BenchModel.open(bge, ModelOptions.DEFAULT)) {
        double weights = 12 * (4 * 384 * 384 + 2 * 384 * 1536);
        double attention = 12 * 2 * 384;

        assertThat(model.encoderGigaflop(1, 1)).isEqualTo(2 * (weights + attention) / 1e9);
        assertThat(model.feedForward()).isEqualTo(1536);
      }
    }

    @Test
    @DisplayName("mix its tasks' adapters, and ask one text for several tasks")
    void adapters() {
      List<BenchRow> rows = AdapterBench.run(new AdapterBench.Options(bge, 2, 5, 1, 1, 1));

      assertThat(rows)
          .filteredOn(row -> row.bench().equals("adapters.encoder"))
          .extracting(row -> row.config().get("tasks"))
          .containsExactly(1, 4, 8, 32, 128);
      List<BenchRow> sameText =
          rows.stream().filter(row -> row.bench().equals("adapters.same-text")).toList();
      assertThat(sameText)
          .extracting(row -> row.config().get("tasks"), row -> row.config().get("adapters"))
          .containsExactly(tuple(8, "none"), tuple(8, "from layer 6"), tuple(1, "from layer 6"));
      // The lower half once, the upper half eight times.
      assertThat(sameText.get(1).config()).containsEntry("arithmetic", 4.5);
      assertThat(sameText).allSatisfy(row -> assertThat(row.ratio()).isPositive());
    }

    @Test
    @DisplayName("refuse lengths it cannot have, and a trie of labels")
    void refused() {
      assertThatThrownBy(
              () ->
                  EngineBench.run(
                      new EngineBench.Options(bge, 1, 513, 3, 1, 2, TaskMix.UNIFORM, 1)))
          .hasMessage("seq must be 3 to 512; it is 513");
      assertThatThrownBy(() -> AdapterBench.run(new AdapterBench.Options(bge, 1, 2, 1, 1, 1)))
          .hasMessage("seq must be 3 to 512; it is 2");
      assertThatThrownBy(
              () ->
                  LabelBench.run(new LabelBench.Options(bge, 2, 4, List.of(5), 2, List.of(), 8, 1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("has no decoder");
    }
  }

  @Test
  @DisplayName("work is counted as published: T5-small's encoder has 18.9 million weights")
  void flops() {
    // One row of one token: two operations per weight, the attention to one key being negligible.
    double encoderAndDecoder = 6 * (4 * 512 * 512 + 2 * 512 * 2048) * 2.0 / 1e9;
    double decoder = 6 * (8 * 512 * 512 + 2 * 512 * 2048) * 2.0 / 1e9;
    double output = 2.0 * 512 * 32_128 / 1e9;

    assertThat(EngineBench.gigaflop(ModelShape.T5_SMALL.t5(), 1, 1, 1))
        .isCloseTo(encoderAndDecoder + decoder + output, within(1e-3));
  }

  @Test
  @DisplayName("median and interquartile range")
  void samples() {
    Samples samples = Samples.of(5, 1, 2, 4, 3);

    assertThat(samples.median()).isEqualTo(3);
    assertThat(samples.spread()).isEqualTo(2.0 / 3);
    assertThat(Samples.of(2, 4).rate(8).median()).isEqualTo(3);
    // Both rounds were slow or fast together: the ratio knows nothing of it.
    assertThat(Samples.of(2, 20).over(Samples.of(1, 10)).values()).containsExactly(2, 2);
  }

  @Test
  @DisplayName("settings out of range and unknown shapes are refused")
  void refused() {
    assertThatThrownBy(() -> new EngineBench.Options(SMALL, 4, 8, 1, 1, 5, TaskMix.UNIFORM, 1))
        .hasMessageContaining("labels must be 2 to 1024; it is 1");
    assertThatThrownBy(() -> new AdapterBench.Options(SMALL, 4, 8, 10, 1.5, 1))
        .hasMessageContaining("resident must be above 0");
    assertThatThrownBy(() -> ModelShape.named("t5-huge")).hasMessageContaining("'t5-huge'");
  }
}
