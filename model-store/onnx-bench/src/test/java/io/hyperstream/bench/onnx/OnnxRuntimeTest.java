package io.hyperstream.bench.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.bench.AgainstBench;
import io.hyperstream.model.bench.BenchRow;
import io.hyperstream.model.bench.Opponent;
import io.hyperstream.model.bench.OpponentFactory;
import io.hyperstream.model.store.FileModelStore;
import io.hyperstream.model.store.ShippedModel;
import io.hyperstream.model.store.StoredModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("bge-small's original in ONNX Runtime")
class OnnxRuntimeTest {
  private static final List<String> TEXTS =
      List.of("where is my parcel?", "the lid of the kettle came off on the second day");

  @TempDir static Path folder;

  private final OpponentFactory factory = OpponentFactory.find("onnxruntime").orElseThrow();

  private Map<String, BenchRow> run(List<String> texts) throws IOException {
    StoredModel model = ShippedModel.BGE_SMALL.install(new FileModelStore(folder.resolve("store")));
    Map<String, BenchRow> rows = new LinkedHashMap<>();
    for (BenchRow row :
        AgainstBench.run(new AgainstBench.Options(model, factory, texts, 2, 8, 2, 0.01, "f32"))) {
      rows.putIfAbsent(row.bench(), row);
    }
    return rows;
  }

  @Test
  @DisplayName("makes the engine's vectors of the engine's batches, and is timed beside it")
  void texts() throws IOException {
    Map<String, BenchRow> rows = run(TEXTS);

    assertThat(rows.get("onnxruntime.difference").value()).isBetween(1e-12, 2e-5);
    BenchRow ours = rows.get("engine.embed");
    assertThat(ours.ratioTo()).isEqualTo("onnxruntime");
    assertThat(ours.ratio()).isBetween(ours.leastRatio(), ours.mostRatio());
    assertThat(ours.leastRatio()).isPositive();
    assertThat(rows.get("onnxruntime").config().get("by")).isEqualTo("ONNX Runtime 1.20.0 float32");
    // 7 and 13 tokens.
    assertThat(rows.get("engine.length").value()).isEqualTo(10);
    assertThat(rows.get("engine.padding").value()).isEqualTo(100 * 6 / 26.0);
  }

  @Test
  @DisplayName("the fixed shape is one batch without padding")
  void shape() throws IOException {
    Map<String, BenchRow> rows = run(List.of());

    assertThat(rows.get("engine.length").value()).isEqualTo(8);
    assertThat(rows.get("engine.padding").value()).isZero();
    assertThat(rows.get("engine.embed").config()).containsEntry("texts", 2).containsEntry("seq", 8);
    assertThat(rows.get("onnxruntime.difference").value()).isBetween(1e-12, 2e-5);
  }

  @Test
  @DisplayName("another model and another format are refused; says what there is")
  void refused() {
    assertThatThrownBy(() -> factory.formats("minilm"))
        .hasMessage("onnxruntime has the original of bge-small only; it was asked for 'minilm'");
    assertThatThrownBy(() -> factory.open("bge-small", "float16", 1))
        .hasMessageContaining("onnxruntime has bge-small in float32")
        .hasMessageContaining("'float16'");
  }

  @Test
  @DisplayName("a missing ONNX file is named with the command that builds it")
  void notThere(@TempDir Path empty) {
    assertThatThrownBy(() -> new OnnxRuntimeFactory(empty).formats("bge-small"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("expected " + empty.resolve("bge-small-en-v1.5.onnx"))
        .hasMessageContaining("`mvn -ntp -q -DskipTests -Pbench package`");
  }

  @Test
  @DisplayName("a batch's vectors have length 1, in the order of its texts")
  void order() throws IOException {
    int[] first = {101, 2073, 2003, 102};
    int[] second = {101, 2026, 20463, 1029, 2000, 102};
    try (Opponent opponent = factory.open("bge-small", "float32", 1)) {
      float[][] both = opponent.encode(List.of(first, second));
      float[][] alone = opponent.encode(List.of(second));

      double squares = 0;
      for (float value : both[1]) {
        squares += value * value;
      }
      assertThat(squares).isBetween(0.9999, 1.0001);
      assertThat(both[1])
          .hasSize(384)
          .usingComparatorWithPrecision(2e-5f)
          .containsExactly(alone[0]);
      assertThat(opponent.name()).isEqualTo("onnxruntime");
      assertThat(opponent.exact()).isTrue();
    }
  }
}
