package io.hyperstream.model.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.SafetensorsWriter;
import io.hyperstream.model.checkpoint.TensorSource;
import io.hyperstream.model.tensor.Autograd;
import io.hyperstream.model.tensor.Ops;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * AdamW as the paper's code ran it: epsilon is added to the un-corrected root of the second moment,
 * the bias correction counts the steps of each parameter on its own, and the decay is decoupled.
 * The global norm of all gradients is clipped first. One thread.
 */
public final class AdamW implements AutoCloseable {
  private static final double CLIP_EPS = 1e-6; // PyTorch's clip_grad_norm_

  /** What becomes of a parameter that takes no part in a step. */
  public enum Unused {
    /** It stays as it is: PyTorch's behaviour today. */
    SKIP,
    /**
     * After its first use it keeps a zero gradient, so momentum goes on moving it: what the
     * published results were computed with.
     */
    KEEP_ZERO_GRADIENT
  }

  /**
   * The settings; {@link #paper()} has the paper's.
   *
   * @param decay weight decay per unit of the learning rate
   * @param maxNorm largest global gradient norm; 0 for no clipping
   */
  public record Config(
      double beta1, double beta2, double eps, double decay, double maxNorm, Unused unused) {
    public Config {
      require("beta1", beta1, beta1 >= 0 && beta1 < 1);
      require("beta2", beta2, beta2 >= 0 && beta2 < 1);
      require("eps", eps, eps > 0);
      require("weight decay", decay, decay >= 0);
      require("the largest gradient norm", maxNorm, maxNorm >= 0);
    }

    public static Config paper() {
      return new Config(0.9, 0.999, 1e-8, 0, 1, Unused.SKIP);
    }

    public Config with(Unused how) {
      return new Config(beta1, beta2, eps, decay, maxNorm, how);
    }

    public Config withDecay(double weightDecay) {
      return new Config(beta1, beta2, eps, weightDecay, maxNorm, unused);
    }

    public Config withMaxNorm(double norm) {
      return new Config(beta1, beta2, eps, decay, norm, unused);
    }

    private static void require(String what, double value, boolean holds) {
      if (!holds) {
        throw new IllegalArgumentException(what + " is out of range: " + value);
      }
    }
  }

  private static final class Moments {
    final NDArray mean;
    final NDArray variance;
    int steps;

    Moments(NDArray mean, NDArray variance, int steps) {
      this.mean = mean;
      this.variance = variance;
      this.steps = steps;
    }
  }

  private final Config config;
  private final NDManager manager = Ops.newManager();
  private final Map<String, Moments> moments = new HashMap<>();

  public AdamW(Config config) {
    this.config = config;
  }

  /**
   * Clips, updates the parameters in place and clears their gradients.
   *
   * @param participates whether the loss depended on one; the rest is treated as {@link Unused}
   *     says
   * @return the global gradient norm before clipping
   * @throws ArithmeticException if the norm is not finite: nothing was changed but the gradients
   */
  double step(List<Parameter> parameters, Predicate<Parameter> participates, double rate) {
    boolean recording = Ops.setRecording(false);
    try (NDScope scope = Ops.scope()) {
      scope.suppressNotUsedWarning();
      Map<Parameter, NDArray> gradients = new LinkedHashMap<>();
      for (Parameter parameter : parameters) {
        NDArray gradient =
            participates.test(parameter) ? Autograd.gradient(parameter.value()) : null;
        if (gradient != null) {
          gradients.put(parameter, gradient);
        }
      }
      double norm = globalNorm(gradients.values());
      if (Double.isFinite(norm)) {
        for (Parameter parameter : parameters) {
          update(parameter, gradients.get(parameter), rate, clipScale(norm));
        }
      }
      gradients.keySet().forEach(parameter -> Autograd.clearGradient(parameter.value()));
      if (!Double.isFinite(norm)) {
        throw new ArithmeticException("the gradient norm is " + norm + ": lower the learning rate");
      }
      return norm;
    } finally {
      Ops.setRecording(recording);
    }
  }

  static double globalNorm(Collection<NDArray> gradients) {
    double squares = 0;
    for (NDArray gradient : gradients) {
      double norm = Autograd.norm(gradient);
      squares += norm * norm;
    }
    return Math.sqrt(squares);
  }

  private double clipScale(double norm) {
    return config.maxNorm == 0 ? 1 : Math.min(1, config.maxNorm / (norm + CLIP_EPS));
  }

  private void update(Parameter parameter, NDArray gradient, double rate, double scale) {
    Moments state = moments.get(parameter.id());
    if (gradient == null) {
      if (state == null || config.unused == Unused.SKIP) {
        return;
      }
      gradient = parameter.value().zerosLike();
    } else if (state == null) {
      state = new Moments(zeros(parameter), zeros(parameter), 0);
      moments.put(parameter.id(), state);
    }
    state.steps++;
    double correction =
        Math.sqrt(1 - Math.pow(config.beta2, state.steps))
            / (1 - Math.pow(config.beta1, state.steps));
    Autograd.adamW(
        parameter.value(),
        gradient,
        state.mean,
        state.variance,
        (float) rate,
        (float) (rate * correction),
        (float) config.decay,
        (float) scale,
        (float) config.beta1,
        (float) config.beta2,
        (float) config.eps);
  }

  private NDArray zeros(Parameter parameter) {
    NDArray like = parameter.value();
    return Ops.own(manager, like.getManager().zeros(like.getShape()));
  }

  /** Adds moments and step counts to a checkpoint. */
  void save(SafetensorsWriter writer) {
    moments.forEach(
        (id, state) -> {
          writer.stream("adamw.mean." + id, state.mean);
          writer.stream("adamw.variance." + id, state.variance);
          writer.metadata("adamw.steps." + id, Integer.toString(state.steps));
        });
  }

  /**
   * Takes up where {@link #save} left off.
   *
   * @param metadata the file's free-form entries
   * @throws CheckpointException if the file is of other parameters
   */
  void restore(List<Parameter> parameters, TensorSource source, Map<String, String> metadata) {
    moments.clear();
    for (Parameter parameter : parameters) {
      String steps = metadata.get("adamw.steps." + parameter.id());
      if (steps != null) {
        long[] shape = parameter.value().getShape().getShape();
        moments.put(
            parameter.id(),
            new Moments(
                copy(source.read(manager, "adamw.mean." + parameter.id(), shape)),
                copy(source.read(manager, "adamw.variance." + parameter.id(), shape)),
                Integer.parseInt(steps)));
      }
    }
  }

  /** What a source hands out may lie in a read-only file. */
  private NDArray copy(NDArray mapped) {
    NDArray copy = Ops.own(manager, mapped.duplicate());
    mapped.close();
    return copy;
  }

  /** Frees the moments. */
  @Override
  public void close() {
    manager.close();
  }
}
