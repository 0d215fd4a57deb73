package io.hyperstream.onnx;

/** IEEE 754 half precision for numbers it can hold; others are told apart, never rounded. */
final class HalfPrecision {
  private static final int REBIAS = 127 - 15;

  private HalfPrecision() {}

  /** Whether half precision holds the same number, to the sign of a zero. */
  static boolean holds(float value) {
    return Float.floatToRawIntBits(widen(narrow(value))) == Float.floatToRawIntBits(value);
  }

  /** The half of a number that {@link #holds}; of another, some half. */
  static short narrow(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int exponent = ((bits >>> 23) & 0xff) - REBIAS;
    boolean normal = exponent > 0 && exponent < 0x1f;
    int rest =
        normal ? exponent << 10 | ((bits >>> 13) & 0x3ff) : (int) (Math.abs(value) * 0x1p24f);
    return (short) (sign | (rest & 0x7fff));
  }

  /** The same number as a float. */
  static float widen(short half) {
    int exponent = (half >>> 10) & 0x1f;
    int fraction = half & 0x3ff;
    float size =
        switch (exponent) {
          case 0 -> fraction * 0x1p-24f;
          case 0x1f -> fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
          default -> Float.intBitsToFloat((exponent + REBIAS) << 23 | fraction << 13);
        };
    return half < 0 ? -size : size;
  }
}
