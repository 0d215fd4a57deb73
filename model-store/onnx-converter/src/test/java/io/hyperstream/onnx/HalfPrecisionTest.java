package io.hyperstream.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Half precision")
class HalfPrecisionTest {

  @Test
  @DisplayName("holds each of its own finite numbers, and gives it back")
  void all() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      short half = (short) bits;
      float value = HalfPrecision.widen(half);
      if (Float.isFinite(value)) {
        assertThat(HalfPrecision.holds(value)).as("%x", bits).isTrue();
        assertThat(HalfPrecision.narrow(value)).as("%x", bits).isEqualTo(half);
      }
    }
  }

  @Test
  @DisplayName("holds no neighbour of them, nothing larger, nothing smaller")
  void others() {
    for (int bits = 0; bits < 0x7c00; bits++) {
      float value = HalfPrecision.widen((short) bits);
      assertThat(HalfPrecision.holds(Math.nextUp(value))).as("above %x", bits).isFalse();
      assertThat(HalfPrecision.holds(-Math.nextUp(value))).as("below -%x", bits).isFalse();
    }
    for (float value : new float[] {65536, 1e10f, Float.MAX_VALUE, 0x1p-25f, Float.MIN_VALUE}) {
      assertThat(HalfPrecision.holds(value)).as("%s", value).isFalse();
      assertThat(HalfPrecision.holds(-value)).as("-%s", value).isFalse();
    }
    assertThat(HalfPrecision.widen((short) 0x3555)).isEqualTo(0.33325195f);
  }
}
