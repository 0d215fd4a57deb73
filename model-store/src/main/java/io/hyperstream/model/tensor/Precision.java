package io.hyperstream.model.tensor;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** The type of numbers in the products with frozen weights; everything else is float32. */
public enum Precision {
  /** float32. */
  F32(6),
  /** bfloat16: half the bytes, 8 bits of precision. */
  BF16(15);

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
   * The precision a setting asks for.
   *
   * @param setting {@code f32}, {@code bf16} or {@code auto}: bf16 where the device has
   *     instructions for it
   * @throws IllegalArgumentException for anything else
   */
  public static Precision of(String setting, Device device) {
    return switch (setting.toLowerCase(Locale.ROOT)) {
      case "f32" -> F32;
      case "bf16" -> BF16;
      case "auto" -> device.isGpu() || processorHasBf16() ? BF16 : F32;
      default ->
          throw new IllegalArgumentException(
              "precision must be f32, bf16 or auto; got '" + setting + "'");
    };
  }

  /** Whether this processor multiplies bfloat16 numbers; false where that cannot be told. */
  public static boolean processorHasBf16() {
    try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
          .findFirst()
          .map(flags -> flags.matches(".*\\b(avx512_bf16|amx_bf16|bf16)\\b.*"))
          .orElse(false);
    } catch (IOException e) { // not Linux
      return false;
    }
  }
}
