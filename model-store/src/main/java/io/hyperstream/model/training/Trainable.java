package io.hyperstream.model.training;

/**
 * Which weights are trained.
 *
 * @param backbone everything in the T5 but its norms and its output projection
 * @param layerNorms T5's RMS norms
 * @param lmHead the output projection; in a T5 v1.0, whose output projection is the embedding
 *     table, the embedding table
 * @param adapters task embeddings and hypernetworks, or plain adapters
 * @param adapterNorms the norms that plain adapters share between tasks
 */
public record Trainable(
    boolean backbone, boolean layerNorms, boolean lmHead, boolean adapters, boolean adapterNorms) {

  /** The paper's choice for everything with adapters: these and the norms, all else frozen. */
  public static final Trainable ADAPTERS = new Trainable(false, true, false, true, true);

  /** Full fine-tuning, with whatever adapters there are. */
  public static final Trainable EVERYTHING = new Trainable(true, true, true, true, true);

  /** Whether a tensor of the reference's name belongs to adapters or hypernetworks. */
  static boolean isAdapter(String name) {
    return name.startsWith("task_embedding_controller.")
        || name.contains(".adapter_layers_hyper_net.")
        || name.contains(".adapter_controller.");
  }

  /**
   * Whether a tensor of the reference's name is trained.
   *
   * @param tied whether the output projection is the embedding table
   */
  boolean includes(String name, boolean tied) {
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
    boolean embeddings = name.equals("shared.weight") || name.endsWith(".embed_tokens.weight");
    boolean output = name.equals("lm_head.weight") || (tied && embeddings);
    return output ? lmHead : backbone;
  }
}
