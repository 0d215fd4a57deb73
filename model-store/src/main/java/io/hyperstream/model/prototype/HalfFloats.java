package io.hyperstream.model.prototype;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** IEEE 754 half precision, rounded to the nearest, ties to even. */
public final class HalfFloats {
  private static final float LEAST_NORMAL = 0x1p-14f;
  private static final float OVERFLOW = 65520; // the first that rounds beyond the largest, 65504
  private static final int REBIAS = (127 - 15) << 23;

  private HalfFloats() {}

  /** Two bytes per value, little-endian; values beyond the range become infinite. */
  public static byte[] encode(float[] values) {
    ByteBuffer out = ByteBuffer.allocate(values.length * 2).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      out.putShort(toHalf(value));
    }
    return out.array();
  }

  /**
   * What {@link #encode} wrote.
   *
   * @throws IllegalArgumentException if the number of bytes is odd
   */
  public static float[] decode(ByteBuffer bytes) {
    if (bytes.remaining() % 2 != 0) {
      throw new IllegalArgumentException(
          "half-precision numbers take 2 bytes each; got " + bytes.remaining() + " bytes");
    }
    ByteBuffer in = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    float[] out = new float[in.remaining() / 2];
    for (int i = 0; i < out.length; i++) {
      out[i] = toFloat(in.getShort());
    }
    return out;
  }

  /** The nearest value half precision can hold. */
  static float round(float value) {
    return toFloat(toHalf(value));
  }

  /** Each value as {@link #decode} reads it back. */
  public static float[] round(float[] values) {
    float[] out = new float[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = round(values[i]);
    }
    return out;
  }

  static short toHalf(float value) {
    int bits = Float.floatToIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    float size = Math.abs(value);
    if (Float.isNaN(value)) {
      return 0x7e00;
    }
    if (size >= OVERFLOW) {
      return (short) (sign | 0x7c00);
    }
    if (size < LEAST_NORMAL) {
      return (short) (sign | (int) Math.rint(size * 0x1p24));
    }
    int even = (bits & 0x7fffffff) + 0xfff + ((bits >>> 13) & 1);
    return (short) (sign | ((even - REBIAS) >>> 13));
  }

  static float toFloat(short half) {
    int exponent = (half >>> 10) & 0x1f;
    int fraction = half & 0x3ff;
    float size =
        switch (exponent) {
          case 0 -> fraction * 0x1p-24f;
          case 0x1f -> fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
          default -> Float.intBitsToFloat(((exponent << 23) + REBIAS) | (fraction << 13));
        };
    return half < 0 ? -size : size;
  }
}
