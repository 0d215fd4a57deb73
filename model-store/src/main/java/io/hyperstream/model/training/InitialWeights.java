package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.checkpoint.TensorInfo;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.t5.T5Config;
import io.hyperstream.model.tensor.Ops;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;

/**
 * Weights to start from: those of a source, and random ones under every name it lacks: norms that
 * change nothing, else normally distributed about 0. The same seed and name always give the same
 * values.
 */
final class InitialWeights implements TensorSource {
  private static final double ADAPTER_STD = 0.01;

  private final TensorSource source;
  private final Spread spread;
  private final long seed;
  private final Map<String, long[]> made = new LinkedHashMap<>();

  /** How widely the values of a tensor are spread. */
  interface Spread {
    /** The standard deviation; 0 for a tensor of zeros. */
    double of(String name, long[] shape);
  }

  /**
   * @param source what is there already
   */
  InitialWeights(TensorSource source, Spread spread, long seed) {
    this.source = source;
    this.spread = spread;
    this.seed = seed;
  }

  /** A source without any tensor: everything is to be made. */
  static TensorSource nothing() {
    return new TensorSource() {
      @Override
      public Set<String> names() {
        return Set.of();
      }

      @Override
      public TensorInfo info(String name) {
        throw new IllegalArgumentException("there is no tensor '" + name + "'");
      }

      @Override
      public NDArray read(NDManager manager, String name) {
        throw new IllegalArgumentException("there is no tensor '" + name + "'");
      }

      @Override
      public String origin() {
        return "nothing";
      }
    };
  }

  @Override
  public Set<String> names() {
    Set<String> names = new LinkedHashSet<>(source.names());
    names.addAll(made.keySet());
    return Collections.unmodifiableSet(names);
  }

  /** Any name can be had; its shape is whatever is asked for. */
  @Override
  public boolean has(String name) {
    return true;
  }

  @Override
  public TensorInfo info(String name) {
    long[] shape = made.get(name);
    return shape == null ? source.info(name) : new TensorInfo(name, "F32", shape, 0, 0);
  }

  @Override
  public NDArray read(NDManager manager, String name) {
    return read(manager, name, info(name).shape());
  }

  @Override
  public NDArray read(NDManager manager, String name, long... shape) {
    if (source.has(name)) {
      return source.read(manager, name, shape);
    }
    made.put(name, shape.clone());
    Shape of = new Shape(shape);
    float[] values = new float[Math.toIntExact(of.size())];
    if (isScale(name)) {
      java.util.Arrays.fill(values, 1);
    } else {
      Random random = new Random(Seeds.mix(seed, name));
      double std = spread.of(name, shape);
      for (int i = 0; std > 0 && i < values.length; i++) {
        values[i] = (float) (std * random.nextGaussian());
      }
    }
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      NDArray array = Ops.own(manager, manager.create(values, of));
      array.setName(name);
      return array;
    }
  }

  private static boolean isScale(String name) {
    return name.endsWith("layer_norm.weight") || name.endsWith("LayerNorm.weight");
  }

  /** As the published code spreads the weights of a T5 and its adapters. */
  static Spread reference(T5Config t5) {
    return (name, shape) -> {
      if (name.endsWith(".bias")) {
        return 0;
      }
      OptionalDouble known = ofAdapters(name);
      if (known.isPresent()) {
        return known.getAsDouble();
      }
      double d = t5.dModel();
      String layer = name.substring(0, name.length() - ".weight".length());
      return switch (layer.substring(layer.lastIndexOf('.') + 1)) {
        case "q" -> Math.pow(d * t5.dKv(), -0.5);
        case "o" -> Math.pow(t5.innerWidth(), -0.5);
        case "wo" -> Math.pow(t5.dFf(), -0.5);
        default -> Math.pow(d, -0.5); // k, v, wi, relative_attention_bias
      };
    };
  }

  /**
   * Adapters that change next to nothing at first: vectors of a trained encoder mean something as
   * they are, and adapters as large as T5's would drown that. Norms and generators are as in {@code
   * hyper}: a generated weight is the sum of 64 numbers times values about 1, and a bias.
   */
  static Spread nearIdentity() {
    return (name, shape) -> {
      boolean bias = name.endsWith(".bias");
      if (name.contains("embeding_generator")) { // the reference's misspelling
        return bias ? 0 : 1 / Math.sqrt(3.0 * shape[1]);
      }
      if (name.contains(".bias_generator")) {
        return bias ? 0 : 1e-3;
      }
      if (name.contains("down_sampler_hyper_net")) {
        return bias ? 0.02 : 0.0025;
      }
      if (name.contains("up_sampler_hyper_net")) {
        return bias ? 1e-3 : 2.5e-4;
      }
      if (bias) {
        return 0;
      }
      if (name.contains(".down_sampler.")) {
        return 0.02;
      }
      return name.contains(".up_sampler.") ? 1e-3 : 0.5; // else embeddings
    };
  }

  private static OptionalDouble ofAdapters(String name) {
    if (name.contains("adapter_controller") || name.contains("sampler_hyper_net")) {
      return OptionalDouble.of(ADAPTER_STD);
    }
    if (name.endsWith("layer_id_embeddings.weight")
        || name.endsWith("adapters_block_type.weight")
        || name.startsWith("task_embedding_controller.")
        || name.equals("shared.weight")
        || name.equals("lm_head.weight")) {
      return OptionalDouble.of(1);
    }
    return name.contains("hyper_net") ? OptionalDouble.of(ADAPTER_STD) : OptionalDouble.empty();
  }

  @Override
  public String origin() {
    return source.origin() + " and seed " + seed;
  }
}
