package io.hyperstream.model.bert;

import static io.hyperstream.model.checkpoint.ConfigFields.require;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.backbone.BackboneShape;
import io.hyperstream.model.backbone.Stack;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.ConfigFields;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.tensor.Activation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * The fields of a Hugging Face {@code config.json} that change BERT's mathematics.
 *
 * @param width {@code hidden_size}, d
 * @param feedForward {@code intermediate_size}, f
 * @param positions rows of the position table
 * @param firstPosition the row of the first token: 0, or behind the padding for RoBERTa
 * @param segments {@code type_vocab_size}
 */
public record BertConfig(
    int vocabulary,
    int width,
    int heads,
    int feedForward,
    int layers,
    int positions,
    int firstPosition,
    int segments,
    double layerNormEps,
    double dropout,
    Activation activation,
    int padId) {
  /** Values of {@code model_type} that name the same network. */
  static final Set<String> MODEL_TYPES = Set.of("bert", "roberta", "xlm-roberta");

  private static final String FAMILY = "an encoder of the BERT family";
  private static final Set<String> POSITIONS_BEHIND_PADDING = Set.of("roberta", "xlm-roberta");

  public BertConfig {
    require("vocab_size", vocabulary, 2, 10_000_000);
    require("hidden_size", width, 1, 65_536);
    require("num_attention_heads", heads, 1, 4096);
    require("intermediate_size", feedForward, 1, 1_000_000);
    require("num_hidden_layers", layers, 1, 1000);
    require("max_position_embeddings", positions, 3, 65_536);
    require("type_vocab_size", segments, 1, 16);
    require("pad_token_id", padId, 0, vocabulary - 1);
    if (width % heads != 0) {
      throw new IllegalArgumentException(
          "hidden_size must be a multiple of num_attention_heads; it is %d, these are %d"
              .formatted(width, heads));
    }
    if (firstPosition >= positions - 2) {
      throw new IllegalArgumentException(
          "pad_token_id %d leaves none of %d positions".formatted(padId, positions));
    }
    if (!(layerNormEps > 0 && layerNormEps < 1)) {
      throw new IllegalArgumentException(
          "layer_norm_eps must lie between 0 and 1; it is " + layerNormEps);
    }
  }

  /** Longest sequence the position table has rows for. */
  public int maxTokens() {
    return positions - firstPosition;
  }

  /** Width of a head, k. */
  int headWidth() {
    return width / heads;
  }

  BackboneShape shape(int maxTokens) {
    return new BackboneShape(width, Map.of(Stack.ENCODER, layers), vocabulary, padId, maxTokens);
  }

  /**
   * Reads a {@code config.json}.
   *
   * @throws CheckpointException if it is no BERT, by name, or a field is missing or impossible
   */
  public static BertConfig read(Path file) throws IOException {
    return ConfigFields.read(file, HuggingFaceLayout.MAX_CONFIG_BYTES, BertConfig::fromJson);
  }

  static BertConfig fromJson(JsonNode json) {
    String type = json.path("model_type").asText("bert");
    if (!MODEL_TYPES.contains(type)) {
      throw new IllegalArgumentException(
          "model_type '" + type + "' is not supported; expected one of " + MODEL_TYPES);
    }
    for (String unsupported : Set.of("is_decoder", "add_cross_attention")) {
      if (json.path(unsupported).asBoolean(false)) {
        throw new IllegalArgumentException(unsupported + " is not supported; encoders only");
      }
    }
    if (json.hasNonNull("quantization_config")) {
      throw new IllegalArgumentException("quantized weights are not supported");
    }
    String positions = json.path("position_embedding_type").asText("absolute");
    if (!positions.equals("absolute")) {
      throw new IllegalArgumentException(
          "position_embedding_type '" + positions + "' is not supported; expected absolute");
    }
    int padId = integer(json, "pad_token_id", 0);
    return new BertConfig(
        integer(json, "vocab_size", null),
        integer(json, "hidden_size", null),
        integer(json, "num_attention_heads", null),
        integer(json, "intermediate_size", null),
        integer(json, "num_hidden_layers", null),
        integer(json, "max_position_embeddings", 512),
        POSITIONS_BEHIND_PADDING.contains(type) ? padId + 1 : 0,
        integer(json, "type_vocab_size", 2),
        json.path("layer_norm_eps").asDouble(1e-12),
        json.path("hidden_dropout_prob").asDouble(0),
        Activation.named(json.path("hidden_act").asText("gelu")),
        padId);
  }

  private static int integer(JsonNode json, String field, Integer otherwise) {
    return ConfigFields.integer(json, field, otherwise, FAMILY);
  }
}
