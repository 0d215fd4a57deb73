package io.hyperstream.model.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Gradients")
class AutogradTest {
  private static final int FACTORS = 64;

  @Test
  @DisplayName(
      "of a product with a number are right whatever Java collects before the backward pass")
  void numbersOutliveTheGarbageCollector() {
    boolean recording = Ops.setRecording(true);
    try (NDManager manager = Ops.newManager();
        NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray leaf = Autograd.leaf(manager, manager.ones(new Shape(1)));
      NDArray loss = manager.zeros(new Shape(1));
      for (int i = 1; i <= FACTORS; i++) {
        loss = loss.add(Ops.mul(leaf, i));
      }

      fillFreedMemory();
      Autograd.backward(loss.sum());

      assertThat(Autograd.gradient(leaf).getFloat()).isEqualTo(FACTORS * (FACTORS + 1) / 2);
    } finally {
      Ops.setRecording(recording);
    }
  }

  /** Collects, and writes over memory like a number's that was given back. */
  private static void fillFreedMemory() {
    List<ByteBuffer> taken = new ArrayList<>();
    for (int round = 0; round < 10; round++) {
      System.gc();
      for (int i = 0; i < 100 * FACTORS; i++) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(Float.BYTES);
        buffer.putInt(0, Float.floatToIntBits(1e30f));
        taken.add(buffer);
      }
    }
    assertThat(taken).hasSize(1000 * FACTORS);
  }
}
