package io.hyperstream.model.t5;

import static io.hyperstream.model.checkpoint.ConfigFields.require;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.ConfigFields;
import io.hyperstream.model.tensor.Activation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * The fields of a Hugging Face {@code config.json} that change T5's mathematics.
 *
 * @param dKv width of one head; heads times it need not be d_model
 * @param encoderLayers {@code num_layers}
 * @param decoderLayers {@code num_decoder_layers}, by default as many
 * @param buckets {@code relative_attention_num_buckets}
 * @param maxDistance {@code relative_attention_max_distance}
 * @param gated whether the feed-forward multiplies two projections (v1.1, Flan)
 * @param tiedEmbeddings whether the output projection is the embedding table
 * @param scaledOutput whether hidden states are scaled by d_model^-0.5 before it; so when tied
 * @param crossBias whether the decoder's first cross-attention has a relative position bias that
 *     all its layers use, as transformers 3.5 had; off unless {@code cross_attention_relative_bias}
 *     says so, because files of newer versions may still carry that unused weight
 */
public record T5Config(
    int vocabSize,
    int dModel,
    int dKv,
    int dFf,
    int heads,
    int encoderLayers,
    int decoderLayers,
    int buckets,
    int maxDistance,
    double layerNormEps,
    double dropout,
    Activation activation,
    boolean gated,
    boolean tiedEmbeddings,
    boolean scaledOutput,
    boolean crossBias,
    int decoderStartId,
    int padId,
    int eosId) {

  /** Relative positions have no end; this bounds memory. */
  private static final int MAX_TOKENS = 16_384;

  private static final String FAMILY = "a T5";
  private static final long MAX_CONFIG_BYTES = 1_000_000;
  private static final Set<String> ARCHITECTURES =
      Set.of("T5ForConditionalGeneration", "T5WithLMHeadModel");

  public T5Config {
    require("vocab_size", vocabSize, 2, 10_000_000);
    require("d_model", dModel, 1, 65_536);
    require("d_kv", dKv, 1, 65_536);
    require("d_ff", dFf, 1, 1_000_000);
    require("num_heads", heads, 1, 4096);
    require("num_layers", encoderLayers, 1, 1000);
    require("num_decoder_layers", decoderLayers, 1, 1000);
    require("relative_attention_num_buckets", buckets, 4, 65_536);
    require("relative_attention_max_distance", maxDistance, 1, 1_000_000);
    if (!(layerNormEps > 0 && layerNormEps < 1)) {
      throw new IllegalArgumentException(
          "layer_norm_epsilon must lie between 0 and 1; it is " + layerNormEps);
    }
    requireToken("decoder_start_token_id", decoderStartId, vocabSize);
    requireToken("pad_token_id", padId, vocabSize);
    requireToken("eos_token_id", eosId, vocabSize);
  }

  /** Width of all heads together. */
  public int innerWidth() {
    return heads * dKv;
  }

  /**
   * What adapters and readouts need to know; T5 has no limit of length but its positions' range.
   */
  public BackboneShape shape() {
    return new BackboneShape(
        dModel,
        Map.of(Stack.ENCODER, encoderLayers, Stack.DECODER, decoderLayers),
        vocabSize,
        padId,
        MAX_TOKENS);
  }

  /**
   * Reads a {@code config.json}.
   *
   * @throws CheckpointException if it is no T5, by name, or a field is missing or impossible
   */
  public static T5Config read(Path file) throws IOException {
    return ConfigFields.read(
        file,
        MAX_CONFIG_BYTES,
        json -> {
          if (!json.has("model_type") && !json.has("architectures")) {
            throw new IllegalArgumentException("it names neither model_type nor architectures");
          }
          return fromJson(json);
        });
  }

  /**
   * The same from a parsed object; {@code model_type} may be absent but not another.
   *
   * @throws IllegalArgumentException naming the field
   */
  public static T5Config fromJson(JsonNode json) {
    requireT5(json);
    String feedForward = json.path("feed_forward_proj").asText("relu");
    boolean gated = feedForward.startsWith("gated-");
    String activation =
        gated ? feedForward.substring("gated-".length()) : feedForward.replace('-', '_');
    if (feedForward.equals("gated-gelu")) {
      activation = "gelu_new"; // what the checkpoints of that name were trained with
    }
    boolean tied = json.path("tie_word_embeddings").asBoolean(true);
    int layers = integer(json, "num_layers", null);
    return new T5Config(
        integer(json, "vocab_size", null),
        integer(json, "d_model", null),
        integer(json, "d_kv", null),
        integer(json, "d_ff", null),
        integer(json, "num_heads", null),
        layers,
        integer(json, "num_decoder_layers", layers),
        integer(json, "relative_attention_num_buckets", 32),
        integer(json, "relative_attention_max_distance", 128),
        json.path("layer_norm_epsilon").asDouble(1e-6),
        json.path("dropout_rate").asDouble(0),
        Activation.named(json.path("dense_act_fn").asText(activation)),
        json.path("is_gated_act").asBoolean(gated),
        tied,
        json.path("scale_decoder_outputs").asBoolean(tied),
        json.path("cross_attention_relative_bias").asBoolean(false),
        integer(json, "decoder_start_token_id", 0),
        integer(json, "pad_token_id", 0),
        integer(json, "eos_token_id", 1));
  }

  private static void requireT5(JsonNode json) {
    String type = json.path("model_type").asText("t5");
    if (!type.equals("t5")) {
      throw new IllegalArgumentException(
          "model_type '" + type + "' is not supported; this runs T5 v1.0, v1.1 and Flan ('t5')");
    }
    for (JsonNode architecture : json.path("architectures")) {
      if (!ARCHITECTURES.contains(architecture.asText())) {
        throw new IllegalArgumentException(
            "architecture '"
                + architecture.asText()
                + "' is not supported; expected T5ForConditionalGeneration");
      }
    }
    if (json.hasNonNull("quantization_config")) {
      throw new IllegalArgumentException("quantized weights are not supported");
    }
    if (!json.path("is_encoder_decoder").asBoolean(true)
        || json.path("tie_encoder_decoder").asBoolean(false)) {
      throw new IllegalArgumentException(
          "only an encoder and a decoder with weights of their own are supported");
    }
  }

  private static int integer(JsonNode json, String field, Integer otherwise) {
    return ConfigFields.integer(json, field, otherwise, FAMILY);
  }

  private static void requireToken(String field, int id, int vocabSize) {
    require(field, id, 0, vocabSize - 1);
  }
}
