package io.hyperstream.model.training;

/**
 * Which weights are trained; the paper's baselines differ in nothing else.
 *
 * @param backbone everything in the T5, output projection included
 * @param layerNorms T5's RMS norms
 * @param adapters task embeddings and hypernetworks, or plain adapters
 * @param adapterNorms the norms that plain adapters share between tasks
 */
public record Trainable(
    boolean backbone, boolean layerNorms, boolean adapters, boolean adapterNorms) {

  /** HyperFormer, HyperFormer++ and Adapters-dagger: all but the backbone's projections. */
  public static final Trainable ADAPTERS = new Trainable(false, true, true, true);

  /** Full fine-tuning, with whatever adapters there are. */
  public static final Trainable EVERYTHING = new Trainable(true, true, true, true);

  /** Whether a tensor of the reference's name belongs to adapters or hypernetworks. */
  static boolean isAdapter(String name) {
    return name.startsWith("task_embedding_controller.")
        || name.contains(".adapter_layers_hyper_net.")
        || name.contains(".adapter_controller.");
  }

  /** Whether a tensor of the reference's name is trained. */
  boolean includes(String name) {
    if (name.startsWith("task_embedding_controller.")
        || name.contains(".adapter_layers_hyper_net.")) {
      return adapters;
    }
    if (name.contains(".adapter_controller.")) {
      return name.contains(".adapters.") ? adapters : adapterNorms;
    }
    if (name.endsWith("layer_norm.weight")) {
      return layerNorms;
    }
    return backbone;
  }
}
