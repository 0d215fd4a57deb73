package io.hyperstream.model.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.tensor.Kernels;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tensor.Precision;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What this machine can do: products of activations with frozen weights in GFLOP/s, by each of the
 * ways libtorch has, over sizes that the models have; and copying memory in GB/s.
 */
public final class GemmBench {
  /** [rows, in, out]: a batch of short texts through bge-small, one text, T5-small, a square. */
  private static final int[][] SIZES = {
    {832, 384, 1536}, {832, 1536, 384}, {13, 384, 1536}, {1024, 512, 2048}, {1024, 1024, 1024}
  };

  /** Well beyond the last-level cache. */
  private static final int COPY_FLOATS = 64 << 20;

  /** How a product is made. */
  enum Way {
    /** PyTorch's own: MKL on a CPU. */
    PLAIN("gemm.plain", "training"),
    /** oneDNN, the weight as it is. */
    ONEDNN("gemm.onednn", "nothing"),
    /** oneDNN, the weight packed once, alone: many times in one call. */
    PACKED_BARE("gemm.packed.bare", "nothing"),
    /** The same through the kernels' door, a call each. */
    PACKED("gemm.packed", "the engine with precision f32"),
    /** oneDNN in bfloat16, casts of input and output included, the weight as it is. */
    ONEDNN_BF16("gemm.onednn.bf16", "nothing"),
    /** The same, the weight packed once. */
    PACKED_BF16("gemm.packed.bf16", "the engine with precision bf16");

    private final String bench;
    private final String usedBy;

    Way(String bench, String usedBy) {
      this.bench = bench;
      this.usedBy = usedBy;
    }

    boolean packed() {
      return this == PACKED || this == PACKED_BARE || this == PACKED_BF16;
    }

    Precision precision() {
      return this == ONEDNN_BF16 || this == PACKED_BF16 ? Precision.BF16 : Precision.F32;
    }
  }

  private GemmBench() {}

  /**
   * Measures.
   *
   * @param rounds repetitions of each size
   */
  public static List<BenchRow> run(int rounds) {
    boolean recording = Ops.setRecording(false);
    try (NDManager manager = Ops.newManager()) {
      List<BenchRow> rows = new ArrayList<>();
      Machine.Limit limit = Machine.limit();
      Map<String, Object> about =
          Map.of("instructions", limit.instructions(), "threads", Ops.threads());
      rows.add(BenchRow.counted("limit", about, limit.gigaflops() * Ops.threads(), "GFLOP/s"));
      if (limit.gigaflopsBf16() > 0) {
        rows.add(
            BenchRow.counted(
                "limit.bf16", about, limit.gigaflopsBf16() * Ops.threads(), "GFLOP/s"));
      }
      rows.add(BenchRow.counted("clock", Map.of(), limit.gigahertz(), "GHz"));
      for (int[] size : SIZES) {
        rows.addAll(products(manager, size, rounds));
      }
      NDArray from = manager.zeros(new Shape(COPY_FLOATS));
      NDArray to = manager.zeros(new Shape(COPY_FLOATS));
      NDIndex all = new NDIndex(":");
      Samples.Work copy = () -> to.set(all, from);
      // Each float is read once and written once.
      Samples copied =
          Samples.inTurn(2, rounds, List.of(copy))
              .get(0)
              .rate(2.0 * Float.BYTES * COPY_FLOATS / 1e9);
      rows.add(
          BenchRow.of(
              "copy",
              Map.of("bytes", (long) COPY_FLOATS * Float.BYTES, "threads", Ops.threads()),
              copied,
              "GB/s"));
      return rows;
    } finally {
      Ops.setRecording(recording);
    }
  }

  /**
   * One size by all ways in turn, each compared with the plain one; the engine's also with the same
   * product alone.
   */
  private static List<BenchRow> products(NDManager manager, int[] size, int rounds) {
    double gigaflop = 2.0 * size[0] * size[1] * size[2] / 1e9;
    int times = (int) Math.max(4, Math.round(0.5 / gigaflop)); // some milliseconds each
    Kernels kernels = Kernels.of(manager.getDevice());
    Map<Way, Samples.Work> works = new EnumMap<>(Way.class);
    for (Way way : Way.values()) {
      if (way == Way.PLAIN
          || (kernels.packed() && (way.precision() == Precision.F32 || kernels.bf16()))) {
        works.put(way, product(manager, size, way, times));
      }
    }
    List<Samples> seconds = Samples.inTurn(2, rounds, List.copyOf(works.values()));
    Map<Way, Samples> rates = new EnumMap<>(Way.class);
    for (Way way : works.keySet()) {
      rates.put(way, seconds.get(rates.size()).rate(gigaflop * times));
    }
    List<BenchRow> rows = new ArrayList<>();
    rates.forEach(
        (way, rate) -> {
          BenchRow row = BenchRow.of(way.bench, config(size, way), rate, "GFLOP/s");
          rows.add(
              way == Way.PLAIN
                  ? row
                  : row.comparedTo(Way.PLAIN.bench, rate.over(rates.get(Way.PLAIN))));
          if (way == Way.PACKED) {
            rows.add(row.comparedTo(Way.PACKED_BARE.bench, rate.over(rates.get(Way.PACKED_BARE))));
          }
        });
    return rows;
  }

  private static Map<String, Object> config(int[] size, Way way) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("shape", size[0] + "x" + size[1] + "x" + size[2]);
    config.put("threads", Ops.threads());
    config.put("usedBy", way.usedBy);
    return config;
  }

  /** So many times x [m, k], w [n, k], b [n] -> [m, n]. */
  private static Samples.Work product(NDManager manager, int[] size, Way way, int times) {
    Kernels kernels = Kernels.of(manager.getDevice());
    NDArray x = manager.randomNormal(new Shape(size[0], size[1]));
    NDArray w = manager.randomNormal(new Shape(size[2], size[1]));
    NDArray b = manager.randomNormal(new Shape(size[2]));
    int kind = way.precision().kind();
    NDArray weight = kernels.call(way.packed() ? "pack" : "to_kind", w, kind);
    NDArray bias = kernels.call("to_kind", b, kind);
    if (way == Way.PACKED_BARE) {
      return () -> inScope(() -> kernels.call("repeat", x, weight, bias, times));
    }
    return () -> {
      for (int i = 0; i < times; i++) {
        inScope(
            () ->
                way == Way.PLAIN
                    ? Ops.linear(x, weight, bias)
                    : kernels.call("linear_bias", x, weight, bias));
      }
    };
  }

  private static void inScope(Supplier<NDArray> product) {
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      finish(product.get());
    }
  }

  /** A device computes behind our back: reading one value waits for it. */
  static void finish(NDArray result) {
    Ops.slice(result.flatten(), 0, 0, 1).toFloatArray();
  }

  /**
   * The ceiling an engine of this shape is held against, as work to be timed beside it: products
   * [tokens, d] x [d, ff] with packed weights, the largest of an encoder.
   */
  static Ceiling ceiling(NDManager manager, int tokens, int dModel, int dFf) {
    int[] size = {tokens, dModel, dFf};
    Way way = Kernels.of(manager.getDevice()).packed() ? Way.PACKED : Way.PLAIN;
    return new Ceiling(product(manager, size, way, 1), 2.0 * tokens * dModel * dFf / 1e9);
  }

  /**
   * @param gigaflop of one run of the work
   */
  record Ceiling(Samples.Work work, double gigaflop) {}
}
