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
import java.util.List;
import java.util.Map;

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
    /** PyTorch's own: MKL on a CPU. What training uses. */
    PLAIN("gemm.plain"),
    /** oneDNN, the weight as it is. */
    ONEDNN("gemm.onednn"),
    /** oneDNN, the weight packed once. What the engine uses with precision f32. */
    PACKED("gemm.packed"),
    /** The same in bfloat16, casts of input and output included; with precision bf16. */
    PACKED_BF16("gemm.packed.bf16");

    private final String bench;

    Way(String bench) {
      this.bench = bench;
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
      rows.add(
          BenchRow.counted(
              "limit",
              Map.of("instructions", limit.instructions(), "threads", Ops.threads()),
              limit.gigaflops() * Ops.threads(),
              "GFLOP/s"));
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

  /** One size by all ways in turn, each compared with the plain one. */
  private static List<BenchRow> products(NDManager manager, int[] size, int rounds) {
    double gigaflop = 2.0 * size[0] * size[1] * size[2] / 1e9;
    int times = (int) Math.max(1, Math.round(0.5 / gigaflop)); // some milliseconds each
    Kernels kernels = Kernels.of(manager.getDevice());
    List<Way> ways = new ArrayList<>(List.of(Way.PLAIN));
    if (kernels.packed()) {
      ways.addAll(List.of(Way.ONEDNN, Way.PACKED));
      if (kernels.bf16()) {
        ways.add(Way.PACKED_BF16);
      }
    }
    List<Samples.Work> works = new ArrayList<>();
    for (Way way : ways) {
      Samples.Work once = product(manager, size, way);
      works.add(
          () -> {
            for (int i = 0; i < times; i++) {
              once.run();
            }
          });
    }
    List<Samples> seconds = Samples.inTurn(2, rounds, works);
    List<BenchRow> rows = new ArrayList<>();
    Map<String, Object> config =
        Map.of("shape", size[0] + "x" + size[1] + "x" + size[2], "threads", Ops.threads());
    Samples plain = seconds.get(0).rate(gigaflop * times);
    for (int i = 0; i < ways.size(); i++) {
      Samples rate = seconds.get(i).rate(gigaflop * times);
      BenchRow row = BenchRow.of(ways.get(i).bench, config, rate, "GFLOP/s");
      rows.add(i == 0 ? row : row.comparedTo(Way.PLAIN.bench, rate.over(plain)));
    }
    return rows;
  }

  /** x [m, k], w [n, k], b [n] -> [m, n]. */
  private static Samples.Work product(NDManager manager, int[] size, Way way) {
    Kernels kernels = Kernels.of(manager.getDevice());
    NDArray x = manager.randomNormal(new Shape(size[0], size[1]));
    NDArray w = manager.randomNormal(new Shape(size[2], size[1]));
    NDArray b = manager.randomNormal(new Shape(size[2]));
    int kind = (way == Way.PACKED_BF16 ? Precision.BF16 : Precision.F32).kind();
    NDArray weight =
        way == Way.PACKED || way == Way.PACKED_BF16 ? kernels.call("pack", w, kind) : w;
    NDArray bias = kernels.call("to_kind", b, kind);
    return () -> {
      try (NDScope scope = Ops.scope()) {
        scope.suppressNotUsedWarning();
        finish(
            way == Way.PLAIN
                ? Ops.linear(x, weight, bias)
                : kernels.call("linear_bias", x, weight, bias));
      }
    };
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
    return new Ceiling(product(manager, size, way), 2.0 * tokens * dModel * dFf / 1e9);
  }

  /**
   * @param gigaflop of one run of the work
   */
  record Ceiling(Samples.Work work, double gigaflop) {}
}
