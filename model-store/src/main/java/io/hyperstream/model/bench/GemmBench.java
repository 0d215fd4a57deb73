package io.hyperstream.model.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.tensor.Ops;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What this machine can do through the same library the engine uses: float32 matrix products in
 * GFLOP/s, over sizes from square to the ones a T5 has, and copying memory in GB/s.
 */
public final class GemmBench {
  /** [rows, inner, columns]: square, and T5's widest products. */
  private static final int[][] SIZES = {
    {1024, 1024, 1024}, {2048, 512, 2048}, {2048, 768, 3072}, {512, 512, 32_128}
  };

  /** Well beyond the last-level cache. */
  private static final int COPY_FLOATS = 64 << 20;

  private GemmBench() {}

  /**
   * Measures.
   *
   * @param rounds repetitions of each size
   */
  public static List<BenchRow> run(int rounds) {
    boolean recording = Ops.setRecording(false);
    try (NDManager manager = Ops.newManager()) {
      List<Samples.Work> works = new ArrayList<>();
      for (int[] size : SIZES) {
        works.add(product(manager, size));
      }
      NDArray from = manager.zeros(new Shape(COPY_FLOATS));
      NDArray to = manager.zeros(new Shape(COPY_FLOATS));
      NDIndex all = new NDIndex(":");
      works.add(() -> to.set(all, from));
      List<Samples> seconds = Samples.inTurn(2, rounds, works);

      List<BenchRow> rows = new ArrayList<>();
      for (int i = 0; i < SIZES.length; i++) {
        rows.add(
            BenchRow.of("gemm", config(SIZES[i]), gigaflops(seconds.get(i), SIZES[i]), "GFLOP/s"));
      }
      // Each float is read once and written once.
      Samples copied = seconds.get(SIZES.length).rate(2.0 * Float.BYTES * COPY_FLOATS / 1e9);
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

  private static Map<String, Object> config(int[] size) {
    return Map.of("shape", size[0] + "x" + size[1] + "x" + size[2], "threads", Ops.threads());
  }

  private static Samples gigaflops(Samples seconds, int[] size) {
    return seconds.rate(2.0 * size[0] * size[1] * size[2] / 1e9);
  }

  /** x [m, k], w [n, k] -> [m, n]. */
  private static Samples.Work product(NDManager manager, int[] size) {
    NDArray x = manager.randomNormal(new Shape(size[0], size[1]));
    NDArray w = manager.randomNormal(new Shape(size[2], size[1]));
    return () -> {
      try (NDScope scope = Ops.scope()) {
        scope.suppressNotUsedWarning();
        finish(Ops.linear(x, w));
      }
    };
  }

  /** A device computes behind our back: reading one value waits for it. */
  static void finish(NDArray result) {
    Ops.slice(result.flatten(), 0, 0, 1).toFloatArray();
  }

  /**
   * The ceiling an engine of this shape is held against, as work to be timed beside it: products
   * [tokens, d] x [d, ff], the largest of a T5's encoder.
   */
  static Ceiling ceiling(NDManager manager, int tokens, int dModel, int dFf) {
    int[] size = {tokens, dModel, dFf};
    return new Ceiling(product(manager, size), 2.0 * tokens * dModel * dFf / 1e9);
  }

  /**
   * @param gigaflop of one run of the work
   */
  record Ceiling(Samples.Work work, double gigaflop) {}
}
