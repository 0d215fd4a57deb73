package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.checkpoint.Safetensors;
import io.hyperstream.model.checkpoint.SafetensorsWriter;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("AdamW")
class AdamWTest {
  private static final double RATE = 1e-2;

  private NDManager manager;
  private boolean recording;

  @BeforeEach
  void record() {
    manager = Ops.newManager();
    recording = Ops.setRecording(true);
  }

  @AfterEach
  void free() {
    Ops.setRecording(recording);
    manager.close();
  }

  @Test
  @DisplayName("adds epsilon to the un-corrected root and decays apart from the gradient")
  void formula() {
    // given
    Parameter w = parameter("w", 0.5f, -2f);
    AdamW.Config config = new AdamW.Config(0.9, 0.999, 1e-3, 0.1, 0, AdamW.Unused.SKIP);
    double[] expected = {0.5, -2};
    double[] slope = {3e-3, -4};

    // when
    try (AdamW adamW = new AdamW(config)) {
      for (int t = 1; t <= 3; t++) {
        gradient(w, slope);
        adamW.step(List.of(w), p -> true, RATE);
      }
    }

    // then: with a constant gradient g, m = (1 - b1^t) g and v = (1 - b2^t) g^2
    for (int i = 0; i < 2; i++) {
      for (int t = 1; t <= 3; t++) {
        double m = (1 - Math.pow(0.9, t)) * slope[i];
        double root = Math.sqrt(1 - Math.pow(0.999, t)) * Math.abs(slope[i]);
        double correction = Math.sqrt(1 - Math.pow(0.999, t)) / (1 - Math.pow(0.9, t));
        expected[i] -= RATE * 0.1 * expected[i];
        expected[i] -= RATE * correction * m / (root + 1e-3);
      }
      assertThat((double) w.value().toFloatArray()[i]).isCloseTo(expected[i], within(1e-6));
    }
  }

  @Test
  @DisplayName("clips all gradients together by their global norm")
  void clipping() {
    Parameter a = parameter("a", 0);
    Parameter b = parameter("b", 0);
    // an epsilon far above the gradients makes the update proportional to them
    AdamW.Config config = new AdamW.Config(0, 0, 1e6, 0, 1, AdamW.Unused.SKIP);
    try (AdamW adamW = new AdamW(config)) {
      gradient(a, 30);
      gradient(b, 40);

      double norm = adamW.step(List.of(a, b), p -> true, 1e6);

      assertThat(norm).isCloseTo(50, within(1e-4));
      assertThat(a.value().getFloat(0)).isCloseTo(-0.6f, within(1e-4f));
      assertThat(b.value().getFloat(0)).isCloseTo(-0.8f, within(1e-4f));
    }
  }

  @Test
  @DisplayName(
      "leaves a parameter without a gradient alone, or lets momentum move it, as configured")
  void unused() {
    for (AdamW.Unused how : AdamW.Unused.values()) {
      Parameter used = parameter("used", 1);
      Parameter other = parameter("other", 1);
      Parameter never = parameter("never", 1);
      try (AdamW adamW = new AdamW(AdamW.Config.paper().with(how))) {
        gradient(used, 1);
        gradient(other, 1);
        adamW.step(List.of(used, other, never), p -> p != never, RATE);
        float before = other.value().getFloat(0);
        gradient(used, 1);

        adamW.step(List.of(used, other, never), p -> p == used, RATE);

        assertThat(other.value().getFloat(0) != before)
            .isEqualTo(how == AdamW.Unused.KEEP_ZERO_GRADIENT);
        assertThat(never.value().getFloat(0)).isEqualTo(1);
      }
    }
  }

  @Test
  @DisplayName("refuses a gradient that is not finite and changes nothing")
  void notFinite() {
    Parameter w = parameter("w", 1);
    try (AdamW adamW = new AdamW(AdamW.Config.paper())) {
      gradient(w, Double.NaN);
      assertThatThrownBy(() -> adamW.step(List.of(w), p -> true, RATE))
          .isInstanceOf(ArithmeticException.class)
          .hasMessageContaining("learning rate");
      assertThat(w.value().getFloat(0)).isEqualTo(1);

      gradient(w, 1);
      adamW.step(List.of(w), p -> true, RATE);
      assertThat(w.value().getFloat(0)).isFinite().isLessThan(1);
    }
  }

  @Test
  @DisplayName("goes on to the last bit where a checkpoint left off")
  void checkpoint(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("state.safetensors");
    Parameter straight = parameter("w", 1, 2, 3);
    Parameter resumed;
    try (AdamW one = new AdamW(AdamW.Config.paper())) {
      gradient(straight, 1, -2, 0.1);
      one.step(List.of(straight), p -> true, RATE);
      SafetensorsWriter writer = new SafetensorsWriter();
      one.save(writer);
      writer.write(file);
      resumed = parameter("w", straight.value().toFloatArray());
      gradient(straight, 0.5, 0, 7);
      one.step(List.of(straight), p -> true, RATE);
    }
    try (AdamW two = new AdamW(AdamW.Config.paper())) {
      Safetensors source = Safetensors.open(file);
      two.restore(List.of(resumed), source, source.metadata());
      gradient(resumed, 0.5, 0, 7);
      two.step(List.of(resumed), p -> true, RATE);
    }

    assertThat(resumed.value().toFloatArray()).isEqualTo(straight.value().toFloatArray());
  }

  private Parameter parameter(String name, float... values) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray leaf = Autograd.leaf(manager, manager.create(values));
      return new Parameter(List.of(name), Optional.empty(), leaf);
    }
  }

  /** Leaves this gradient in the leaf: of a weighted sum. */
  private void gradient(Parameter parameter, double... slope) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      float[] weights = new float[slope.length];
      for (int i = 0; i < slope.length; i++) {
        weights[i] = (float) slope[i];
      }
      Autograd.backward(parameter.value().mul(manager.create(weights)).sum());
    }
  }
}
