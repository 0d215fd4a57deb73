package io.hyperstream.model.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.hyperstream.model.training.Preset;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Benchmarks")
class BenchTest {

  @Test
  @DisplayName("the engine's rows carry their settings and the ratio to the same run's ceiling")
  void engine() {
    List<BenchRow> rows = EngineBench.run(new EngineBench.Options(ModelShape.T5_SMALL, 2, 8, 2, 2));

    assertThat(rows)
        .extracting(BenchRow::bench)
        .containsExactly(
            "gemm",
            "engine.gflops",
            "engine.bare",
            "engine.adapters",
            "engine.tokens",
            "engine.greedy");
    assertThat(rows).allSatisfy(row -> assertThat(row.value()).isPositive());
    BenchRow flops = rows.get(1);
    assertThat(flops.ratioTo()).isEqualTo("gemm");
    assertThat(flops.ratio()).isCloseTo(flops.value() / rows.get(0).value(), within(1e-9));
    assertThat(flops.config()).containsEntry("model", "t5-small").containsEntry("rows", 2);
    assertThat(flops.toMap())
        .containsOnlyKeys("bench", "config", "value", "unit", "ratioTo", "ratio", "spread");
    assertThat(rows.get(0).toMap()).containsEntry("ratio", null);
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
    assertThat(step.ratio()).isCloseTo(step.value() / rows.get(0).value(), within(1e-9));
    // One task of model-spec's count for T5-small: its embedding, T5's norms, two hypernetworks.
    assertThat(step.config()).containsEntry("trained", 2_415_328L);
  }

  @Test
  @DisplayName("matrix products and copying are measured in several sizes")
  void gemm() {
    List<BenchRow> rows = GemmBench.run(1);

    assertThat(rows).extracting(BenchRow::bench).contains("gemm", "copy");
    assertThat(rows).extracting(BenchRow::unit).containsOnly("GFLOP/s", "GB/s");
    assertThat(rows).allSatisfy(row -> assertThat(row.value()).isPositive());
  }

  @Test
  @DisplayName("work is counted as published: T5-small's encoder has 18.9 million weights")
  void flops() {
    // One row of one token: two operations per weight, the attention to one key being negligible.
    double encoderAndDecoder = 6 * (4 * 512 * 512 + 2 * 512 * 2048) * 2.0 / 1e9;
    double decoder = 6 * (8 * 512 * 512 + 2 * 512 * 2048) * 2.0 / 1e9;
    double output = 2.0 * 512 * 32_128 / 1e9;

    assertThat(EngineBench.gigaflop(ModelShape.T5_SMALL.t5(), 1, 1))
        .isCloseTo(encoderAndDecoder + decoder + output, within(1e-3));
  }

  @Test
  @DisplayName("median and interquartile range")
  void samples() {
    Samples samples = Samples.of(5, 1, 2, 4, 3);

    assertThat(samples.median()).isEqualTo(3);
    assertThat(samples.spread()).isEqualTo(2.0 / 3);
    assertThat(Samples.of(2, 4).rate(8).median()).isEqualTo(3);
  }

  @Test
  @DisplayName("settings out of range and unknown shapes are refused")
  void refused() {
    assertThatThrownBy(() -> new EngineBench.Options(ModelShape.T5_BASE, 4, 8, 5, 1))
        .hasMessageContaining("tasks must be 1 to 4; it is 5");
    assertThatThrownBy(() -> ModelShape.named("t5-huge")).hasMessageContaining("'t5-huge'");
  }
}
