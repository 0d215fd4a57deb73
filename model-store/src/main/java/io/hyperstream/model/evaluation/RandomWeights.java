package io.hyperstream.model.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.TensorInfo;
import io.hyperstream.model.checkpoint.TensorSource;
import java.util.Set;

/**
 * A checkpoint with random weights of whatever shape is asked for, for benchmarks and tests: the
 * same seed and name always give the same values. Scaled so that activations neither vanish nor
 * explode. Immutable, any thread.
 */
public final class RandomWeights implements TensorSource {
  private final long seed;

  public RandomWeights(long seed) {
    this.seed = seed;
  }

  @Override
  public NDArray read(NDManager manager, String name, long... shape) {
    Shape of = new Shape(shape);
    float[] values = new float[Math.toIntExact(of.size())];
    float mean = isNorm(name) ? 1 : 0;
    float range = range(name, shape);
    long state = seed * 0x9E3779B97F4A7C15L + name.hashCode();
    for (int i = 0; i < values.length; i++) { // splitmix64
      state += 0x9E3779B97F4A7C15L;
      long z = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      values[i] = mean + range * ((z >> 40) * 0x1p-23f); // range * [-1, 1)
    }
    NDArray array = manager.create(values, of);
    array.setName(name);
    NDScope.unregister(array);
    return array;
  }

  private static boolean isNorm(String name) {
    return name.endsWith("norm.weight") || name.endsWith("LayerNorm.weight");
  }

  private static float range(String name, long[] shape) {
    if (isNorm(name) || name.endsWith(".bias")) {
      return 0.1f;
    }
    if (name.contains("embed") || name.startsWith("shared") || shape.length == 1) {
      return 1.7f; // unit variance
    }
    if (name.contains("relative_attention_bias")) {
      return 1;
    }
    double fanIn = shape[shape.length - 1];
    double scale = name.endsWith(".q.weight") ? 0.25 : 1; // scores are not scaled later
    return (float) (scale * 1.7 / Math.sqrt(fanIn));
  }

  @Override
  public boolean has(String name) {
    return true;
  }

  @Override
  public Set<String> names() {
    return Set.of();
  }

  @Override
  public TensorInfo info(String name) {
    throw new CheckpointException("random weights have no '" + name + "' until a shape is given");
  }

  @Override
  public NDArray read(NDManager manager, String name) {
    throw new CheckpointException("random weights need a shape for '" + name + "'");
  }

  @Override
  public String origin() {
    return "random weights";
  }
}
