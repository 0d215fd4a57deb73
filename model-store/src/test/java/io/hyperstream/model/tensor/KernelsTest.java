package io.hyperstream.model.tensor;

import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

@DisplayName("The kernels")
class KernelsTest {
  private static final int TOKENS = 7;
  private static final int WIDTH = 32;
  private static final int WIDE = 48;
  private static final double EPS = 1e-12;

  private final NDManager manager = Ops.cpuManager();
  private final Kernels packed = Kernels.of(manager.getDevice());
  private final Kernels plain = Kernels.plain();

  @BeforeEach
  void inference() {
    Ops.inferenceThread();
  }

  @Test
  @DisplayName("use oneDNN's packed products on this machine")
  void usesPacked() {
    assertThat(packed.packed()).isTrue();
    assertThat(plain.packed()).isFalse();
  }

  @Test
  @DisplayName("compute the same with packed products and with plain ones")
  void bothProducts() {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      for (String activation : List.of("gelu", "gelu_new", "relu", "swish")) {
        float[] one = layer(packed, activation).toFloatArray();
        float[] other = layer(plain, activation).toFloatArray();
        for (int i = 0; i < one.length; i++) {
          assertThat(one[i]).isCloseTo(other[i], within(1e-5f));
        }
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"relu, false", "gelu_new, true"})
  @DisplayName("compute T5's layers the same with packed products and with plain ones")
  void bothProductsOfT5(String activation, boolean gated) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      float[] one = t5Layer(packed, activation, gated).toFloatArray();
      float[] other = t5Layer(plain, activation, gated).toFloatArray();

      assertThat(one).usingComparatorWithPrecision(1e-5f).containsExactly(other);
      float[] ungated = t5Layer(plain, activation, false).toFloatArray();
      assertThat(Arrays.equals(other, ungated)).isEqualTo(!gated);
    }
  }

  /** One layer of T5 with the norm behind it, over two sequences, of 4 tokens and of 3. */
  private NDArray t5Layer(Kernels kernels, String activation, boolean gated) {
    List<NDArray> weights = new ArrayList<>();
    weights.add(numbers(1, WIDTH));
    weights.add(pack(kernels, 3 * WIDTH, WIDTH));
    weights.add(pack(kernels, WIDTH, WIDTH));
    weights.add(numbers(1, WIDTH));
    weights.add(pack(kernels, WIDE, WIDTH));
    weights.add(gated ? pack(kernels, WIDE, WIDTH) : numbers(1, 1));
    weights.add(pack(kernels, WIDTH, WIDE));
    weights.add(numbers(1, WIDTH));
    weights.add(numbers(1, 1)); // its type is that of the weights
    NDArray bias = numbers(1, 2, 4, 4, 4); // [R, H, S, S]
    return kernels.call(
        "t5_layers",
        numbers(1, TOKENS, WIDTH),
        List.of(pad(), unpad(), bias),
        new long[] {2, 4, 4, gated ? 1 : 0},
        weights,
        0,
        1,
        1e-6,
        activation,
        List.of(),
        new long[0],
        new long[0],
        "",
        0);
  }

  @Test
  @DisplayName("repeat a product as often as they are told: none is left out as not needed")
  void repeat() {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray x = numbers(1, TOKENS, WIDTH);
      NDArray weight = pack(packed, WIDE, WIDTH);
      NDArray y = packed.call("linear_bias", x, weight, numbers(1, WIDE));
      for (int i = 1; i < 20; i++) {
        y = packed.call("linear_bias", x, weight, Ops.select(y, 0, 0));
      }

      for (int i = 0; i < 3; i++) { // from the third call on it is optimised
        assertThat(packed.call("repeat", x, weight, numbers(1, WIDE), 20).toFloatArray())
            .isEqualTo(y.toFloatArray());
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"linear_missing", "linear_failing", "linear_wrong"})
  @DisplayName("fall back to plain products where the packed ones fail, and say so once")
  void fallBack(String products) {
    Logger log = (Logger) LoggerFactory.getLogger(Kernels.class);
    ListAppender<ILoggingEvent> said = new ListAppender<>();
    said.start();
    log.addAppender(said);
    log.setLevel(Level.INFO);
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      Kernels kernels = Kernels.load(manager.getDevice(), products);

      assertThat(kernels.packed()).isFalse();
      for (int i = 0; i < 2; i++) {
        assertThat(layer(kernels, "gelu").toFloatArray())
            .isEqualTo(layer(plain, "gelu").toFloatArray());
      }
      assertThat(said.list)
          .singleElement()
          .extracting(ILoggingEvent::getFormattedMessage, as(STRING))
          .contains("no oneDNN products with packed weights; using its plain ones (")
          .doesNotContain("()"); // and why
    } finally {
      log.detachAppender(said);
      log.setLevel(null); // as its parents have it
    }
  }

  /** One layer of BERT over two sequences, of 4 tokens and of 3. */
  private NDArray layer(Kernels kernels, String activation) {
    List<NDArray> weights = new ArrayList<>();
    product(kernels, weights, 3 * WIDTH, WIDTH);
    product(kernels, weights, WIDTH, WIDTH);
    norm(weights);
    product(kernels, weights, WIDE, WIDTH);
    product(kernels, weights, WIDTH, WIDE);
    norm(weights);
    NDArray mask = manager.create(new float[] {0, 0, 0, 0, 0, 0, 0, -1e9f}, new Shape(2, 1, 1, 4));
    NDArray x = numbers(1, TOKENS, WIDTH);
    return kernels.call(
        "bert_layers",
        x,
        List.of(pad(), unpad(), mask),
        new long[] {2, 4, 4},
        weights,
        0,
        1,
        EPS,
        activation,
        0.35,
        List.of(),
        new long[0],
        new long[0],
        "",
        0);
  }

  private NDArray pad() {
    return manager.create(new long[] {0, 1, 2, 3, 4, 5, 6, 4});
  }

  private NDArray unpad() {
    return manager.create(new long[] {0, 1, 2, 3, 4, 5, 6});
  }

  private NDArray pack(Kernels kernels, int out, int in) {
    return kernels.call("pack", numbers(0.1f, out, in), Precision.F32.kind());
  }

  private void product(Kernels kernels, List<NDArray> weights, int out, int in) {
    weights.add(pack(kernels, out, in));
    weights.add(numbers(0.1f, out));
  }

  private void norm(List<NDArray> weights) {
    weights.add(numbers(1, WIDTH));
    weights.add(numbers(1, WIDTH));
  }

  private NDArray numbers(float scale, long... shape) {
    Shape of = new Shape(shape);
    float[] values = new float[(int) of.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = scale * (float) Math.sin(i * 1.7 + 1);
    }
    return manager.create(values, of);
  }

  @Test
  @DisplayName("refuse a thread that records gradients, which they would lose")
  void recording() {
    Ops.setRecording(true);
    try (NDArray x = manager.ones(new Shape(2, 2))) {
      assertThatThrownBy(() -> packed.call("pack", x, Precision.F32.kind()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no gradients");
    } finally {
      Ops.setRecording(false);
    }
  }

  @Test
  @DisplayName("may be called from several threads at once")
  void threads() {
    try (NDScope scope = Ops.scope();
        Workers workers = Workers.of(3, 3)) {
      scope.suppressNotUsedWarning();
      float[] alone = layer(packed, "gelu").toFloatArray();
      List<Supplier<float[]>> parts = new ArrayList<>();
      IntStream.range(0, 30).forEach(i -> parts.add(this::layerInScope));
      assertThat(workers.run(parts)).allSatisfy(each -> assertThat(each).isEqualTo(alone));
    }
  }

  private float[] layerInScope() {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      return layer(packed, "gelu").toFloatArray();
    }
  }

  @Test
  @DisplayName("are an archive without compression, in one folder, as libtorch reads it")
  void archive() throws Exception {
    List<String> names = new ArrayList<>();
    byte[] bytes = Kernels.archive("linear_packed");
    try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(bytes))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        assertThat(entry.getMethod()).isEqualTo(ZipEntry.STORED);
        names.add(entry.getName());
      }
    }
    assertThat(names)
        .contains("kernels/data.pkl", "kernels/version", "kernels/code/__torch__.py")
        .allSatisfy(name -> assertThat(name).startsWith("kernels/"));
  }
}
