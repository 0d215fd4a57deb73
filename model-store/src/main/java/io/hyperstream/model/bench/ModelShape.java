package io.hyperstream.model.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.model.hyper.AdapterConfig;
import io.hyperstream.model.t5.T5Config;
import java.util.List;
import java.util.Locale;

/** Published shapes, with the paper's HyperFormer++ on top (reduction 32, t = p = 64, h = 128). */
public enum ModelShape {
  T5_SMALL("t5-small", 512, 2048, 6, 8),
  T5_BASE("t5-base", 768, 3072, 12, 12);

  private final String label;
  private final int dModel;
  private final int dFf;
  private final int layers;
  private final int heads;

  ModelShape(String label, int dModel, int dFf, int layers, int heads) {
    this.label = label;
    this.dModel = dModel;
    this.dFf = dFf;
    this.layers = layers;
    this.heads = heads;
  }

  /**
   * @throws IllegalArgumentException if there is none of that name
   */
  public static ModelShape named(String name) {
    for (ModelShape shape : values()) {
      if (shape.label.equals(name.toLowerCase(Locale.ROOT))) {
        return shape;
      }
    }
    throw new IllegalArgumentException(
        "unknown model shape '" + name + "'; known are t5-small and t5-base");
  }

  /** The name people know it by. */
  public String label() {
    return label;
  }

  T5Config t5() {
    return T5Config.fromJson(json(32_128));
  }

  /** {@code config.json} of this shape (T5 v1.0), for a vocabulary of some size. */
  public String configJson(int vocabSize) {
    return json(vocabSize).toPrettyString();
  }

  private ObjectNode json(int vocabSize) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("model_type", "t5").put("vocab_size", vocabSize);
    json.put("d_model", dModel).put("d_kv", 64).put("d_ff", dFf);
    json.put("num_layers", layers).put("num_heads", heads).put("dropout_rate", 0.1);
    json.put("decoder_start_token_id", 0).put("pad_token_id", 0).put("eos_token_id", 1);
    return json.put("n_positions", 512);
  }

  AdapterConfig adapters() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("efficient_unique_hyper_net", true).put("reduction_factor", 32);
    json.put("conditional_layer_norm", true).put("non_linearity", "gelu_new");
    return AdapterConfig.fromJson(json, "meta-adapter", List.of("bench"));
  }
}
