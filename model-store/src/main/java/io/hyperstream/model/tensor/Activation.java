package io.hyperstream.model.tensor;

import ai.djl.ndarray.NDArray;
import java.util.Locale;

/** The non-linearities that T5 and adapter configurations name. */
public enum Activation {
  RELU("relu", "relu"),
  /** x times sigmoid(x). */
  SWISH("swish", "silu"),
  /** The exact form, by the error function. */
  GELU("gelu", "gelu_python"),
  /** The tanh form. */
  GELU_NEW("gelu_new", "gelu_pytorch_tanh"),
  TANH("tanh", "tanh"),
  LINEAR("linear", "linear");

  private final String name;
  private final String alias;

  Activation(String name, String alias) {
    this.name = name;
    this.alias = alias;
  }

  /**
   * The activation a configuration names.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public static Activation named(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    for (Activation activation : values()) {
      if (activation.name.equals(lower) || activation.alias.equals(lower)) {
        return activation;
      }
    }
    throw new IllegalArgumentException(
        "unknown activation '"
            + name
            + "'; known are relu, swish, silu, gelu, gelu_new, tanh and linear");
  }

  /** The name configurations use. */
  public String configName() {
    return name;
  }

  /**
   * Applies it elementwise. Without gradient recording the argument's memory may be reused: it must
   * be an intermediate result that nobody reads afterwards.
   */
  public NDArray apply(NDArray x) {
    return switch (this) {
      case RELU -> Ops.relu(x);
      case SWISH -> Ops.swish(x);
      case GELU -> Ops.gelu(x);
      case GELU_NEW -> Ops.geluNew(x);
      case TANH -> Ops.tanh(x);
      case LINEAR -> x;
    };
  }
}
