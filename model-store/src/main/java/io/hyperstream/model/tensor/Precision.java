package io.hyperstream.model.tensor;

import ai.djl.Device;
import java.util.Locale;
import java.util.Set;

/** The type of numbers in the products with frozen weights; everything else is float32. */
public enum Precision {
  /** float32. */
  F32(6),
  /** bfloat16: half the bytes, 8 bits of precision. */
  BF16(15);

  private static final Set<String> SETTINGS = Set.of("f32", "bf16", "auto");

  private final int kind;

  Precision(int kind) {
    this.kind = kind;
  }

  /** How the kernels name the type. */
  public int kind() {
    return kind;
  }

  /** How it is configured. */
  public String configName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Makes sure that a setting is one.
   *
   * @throws IllegalArgumentException if it is not f32, bf16 or auto
   */
  public static String require(String setting) {
    if (!SETTINGS.contains(setting)) {
      throw new IllegalArgumentException(
          "precision must be f32, bf16 or auto; got '" + setting + "'");
    }
    return setting;
  }

  /**
   * The precision a setting asks for; loads the engine unless it is {@code f32}.
   *
   * @param setting {@code f32}, {@code bf16} or {@code auto}: bf16 where the device has
   *     instructions for it
   * @throws IllegalArgumentException for anything else, and for bf16 where it cannot be computed
   */
  public static Precision of(String setting, Device device) {
    if (require(setting).equals("f32")) {
      return F32;
    }
    boolean possible = Kernels.of(device).bf16();
    if (setting.equals("auto")) {
      return possible && (device.isGpu() || Processor.hasBf16()) ? BF16 : F32;
    }
    if (!possible) {
      throw new IllegalArgumentException(
          "precision bf16 cannot be computed on this processor, which lacks AVX-512; use f32, or"
              + " auto, which takes bf16 where it is fast");
    }
    return BF16;
  }
}
