package io.hyperstream.model.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayName("Tensor operations")
class OpsTest {
  private static final float[] POINTS = {-20, -3, -1.5f, -0.1f, 0, 0.3f, 1, 2.5f, 6, 30};

  private NDManager manager;

  @BeforeEach
  void open() {
    Ops.inferenceThread();
    manager = Ops.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private static DoubleUnaryOperator reference(Activation activation) {
    return switch (activation) {
      case RELU -> x -> Math.max(x, 0);
      case SWISH -> x -> x / (1 + Math.exp(-x));
      case GELU_NEW ->
          x -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case GELU -> x -> 0.5 * x * (1 + erf(x / Math.sqrt(2)));
      case TANH -> Math::tanh;
      case LINEAR -> x -> x;
    };
  }

  /** Abramowitz and Stegun's series, exact enough for |x| up to 5. */
  private static double erf(double x) {
    if (Math.abs(x) > 5) {
      return Math.signum(x);
    }
    double sum = 0;
    double term = x;
    for (int n = 0; n < 200; n++) {
      sum += term / (2 * n + 1);
      term *= -x * x / (n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("activations compute their formula, recording or not")
  void activations(Activation activation) {
    for (boolean recording : new boolean[] {true, false}) {
      Ops.setRecording(recording);
      NDArray x = manager.create(POINTS);
      float[] y = activation.apply(x).toFloatArray();
      for (int i = 0; i < POINTS.length; i++) {
        double expected = reference(activation).applyAsDouble(POINTS[i]);
        assertThat((double) y[i])
            .as("%s(%s)", activation, POINTS[i])
            .isCloseTo(expected, within(2e-6 * Math.max(1, Math.abs(expected))));
      }
      if (recording) {
        assertThat(x.toFloatArray()).as("left alone").containsExactly(POINTS);
      }
    }
    Ops.setRecording(false);
    assertThat(Activation.named(activation.configName())).isEqualTo(activation);
  }

  @Test
  @DisplayName("an unknown activation is refused by name")
  void unknownActivation() {
    assertThatThrownBy(() -> Activation.named("maxout")).hasMessageContaining("'maxout'");
    assertThat(Activation.named("SiLU")).isEqualTo(Activation.SWISH);
  }

  @Test
  @DisplayName("a scope frees what is made in it, but not what is kept or owned")
  void scopes() {
    NDArray x = manager.create(POINTS);
    int before = manager.getManagedArrays().size();
    NDArray kept;
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      Ops.mul(x, new Scalar(2));
      kept = Ops.keep(Ops.mul(x, new Scalar(3)));
      assertThat(manager.getManagedArrays()).hasSize(before + 2);
    }
    assertThat(manager.getManagedArrays()).hasSize(before + 1);
    assertThat(kept.toFloatArray()[9]).isEqualTo(90);
  }

  @Test
  @DisplayName("recording is off after inferenceThread, on in a new thread, and set per thread")
  void modes() throws InterruptedException {
    assertThat(Ops.recording()).isFalse();
    boolean[] fresh = new boolean[1];
    Thread thread = new Thread(() -> fresh[0] = Ops.recording());
    thread.start();
    thread.join();
    assertThat(fresh[0]).isTrue();
    assertThat(Ops.setRecording(true)).isFalse();
    assertThat(Ops.setRecording(false)).isTrue();
  }

  @Test
  @DisplayName("the RMS norm has neither mean nor bias; both paths agree")
  void rmsNorm() {
    NDArray x = manager.create(new float[][] {{3, 4}, {0, 0}});
    NDArray weight = manager.create(new float[] {2, 10});
    Scalar root = new Scalar(Math.sqrt(2));
    Scalar eps = new Scalar(1e-6);
    double rms = Math.sqrt((9 + 16) / 2.0 + 1e-6);
    for (boolean recording : new boolean[] {true, false}) {
      Ops.setRecording(recording);
      float[] y = Ops.rmsNorm(x, weight, root, eps).toFloatArray();
      assertThat(y[0]).isCloseTo((float) (3 / rms * 2), within(1e-6f));
      assertThat(y[1]).isCloseTo((float) (4 / rms * 10), within(1e-5f));
      assertThat(y[2]).isZero();
    }
    assertThat(x.toFloatArray()).containsExactly(3, 4, 0, 0);
  }

  @Test
  @DisplayName("key masks are 0 for tokens and far below for padding")
  void keyMask() {
    NDArray mask = manager.create(new float[][] {{1, 0}});

    NDArray additive = Ops.keyMask(mask, new Scalar(10_000));

    assertThat(additive.getShape().getShape()).containsExactly(1, 1, 1, 2);
    assertThat(additive.toFloatArray()).containsExactly(0, -10_000);
    assertThat(mask.toFloatArray()).containsExactly(1, 0);
  }
}
