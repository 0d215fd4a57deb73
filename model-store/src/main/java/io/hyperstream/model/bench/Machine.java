package io.hyperstream.model.bench;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Processor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** On what a measurement was made. */
public final class Machine {
  private static final int CHAIN = 2_000_000;

  /** Multiply-adds of bfloat16 per cycle by AMX: a tile of 16 x 16 x 32 in 16 cycles. */
  private static final int TILE_PRODUCTS = 16 * 16 * 32 / 16;

  private Machine() {}

  /** Processor, threads and versions, for people and for JSON. */
  public static Map<String, Object> describe() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("processor", processor());
    map.put("processors", Runtime.getRuntime().availableProcessors());
    map.put("threads", Ops.threads());
    map.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    map.put(
        "jdk", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
    map.put("djl", Engine.getDjlVersion());
    map.put("pytorch", Engine.getEngine("PyTorch").getVersion());
    map.put("device", Engine.getEngine("PyTorch").defaultDevice().toString());
    map.put("pytorchFeatures", String.join(" ", new TreeSet<>(JniUtils.getFeatures())));
    return map;
  }

  /**
   * What one processor can do by its instructions.
   *
   * @param instructions the widest there are for products of float32, and those for bfloat16
   * @param gigahertz measured now, under one busy thread
   * @param gigaflops float32: two fused multiply-adds of full width per cycle
   * @param gigaflopsBf16 the same for bfloat16, of which twice as many fit; 0 without instructions
   *     for it
   */
  public record Limit(
      String instructions, double gigahertz, double gigaflops, double gigaflopsBf16) {}

  /**
   * The limit of one core; the guess of a wide unit may be too high for a processor we know not.
   */
  public static Limit limit() {
    Set<String> flags = Processor.instructions();
    double clock = gigahertz();
    boolean wide = flags.contains("avx512f");
    // Zen 4 computes 512 bits in two steps.
    boolean halves =
        Processor.field("vendor_id").equals("AuthenticAMD")
            && Processor.field("cpu family").equals("25");
    int floats = wide && !halves ? 16 : flags.contains("avx2") || wide ? 8 : 4;
    String names =
        Stream.of("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
            .filter(flags::contains)
            .collect(Collectors.joining(" "));
    double single = 2 * 2 * floats * clock;
    double half = flags.contains("avx512_bf16") ? 2 * single : 0;
    if (flags.contains("amx_bf16")) {
      half = 2 * TILE_PRODUCTS * clock;
    }
    return new Limit(names.isEmpty() ? "unknown" : names, clock, single, half);
  }

  /** By a chain of operations of which each waits for the one before: 4 cycles a step. */
  private static double gigahertz() {
    double best = 0;
    long x = System.nanoTime();
    for (int round = 0; round < 20; round++) {
      long y = x | 1;
      long start = System.nanoTime();
      for (int i = 0; i < CHAIN; i++) {
        x = (x * y) ^ i; // 3 cycles and 1
      }
      best = Math.max(best, 4.0 * CHAIN / (System.nanoTime() - start));
    }
    return x == 1 ? 0 : best; // x must be needed
  }

  private static String processor() {
    String name = Processor.field("model name");
    return name.isEmpty() ? System.getProperty("os.arch") : name;
  }
}
