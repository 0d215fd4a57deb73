package io.hyperstream.model.bert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.backbone.Pooling;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * What sentence-transformers' files say beside {@code config.json}. Without them: the mean over all
 * tokens, scaled to length 1, no prefix.
 *
 * @param pooling how states become a vector
 * @param prefix what stands before every text, such as e5's {@code "query: "}
 * @param maxTokens the longest input its maker used
 */
record SentenceTransformer(Pooling pooling, String prefix, OptionalInt maxTokens) {
  static final String MODULES = "modules.json";
  static final String POOLING = "1_Pooling/config.json";
  static final String PROMPTS = "config_sentence_transformers.json";
  static final String LIMITS = "sentence_bert_config.json";
  private static final int MAX_PREFIX = 512;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  static SentenceTransformer read(HuggingFaceLayout files) throws IOException {
    JsonNode limits = json(files.file(LIMITS));
    int most = limits.path("max_seq_length").asInt(0);
    return new SentenceTransformer(
        pooling(files), prefix(files), most > 0 ? OptionalInt.of(most) : OptionalInt.empty());
  }

  private static Pooling pooling(HuggingFaceLayout files) throws IOException {
    boolean normalized = !Files.exists(files.file(MODULES));
    for (JsonNode module : json(files.file(MODULES))) {
      String type = module.path("type").asText();
      switch (type.substring(type.lastIndexOf('.') + 1)) {
        case "Transformer", "Pooling" -> {}
        case "Normalize" -> normalized = true;
        default ->
            throw new CheckpointException(
                "%s names the module %s; supported are Transformer, Pooling and Normalize"
                    .formatted(files.file(MODULES), type));
      }
    }
    return new Pooling(kind(files.file(POOLING)), normalized);
  }

  private static Pooling.Kind kind(Path file) throws IOException {
    List<String> modes = new ArrayList<>();
    for (var field : json(file).properties()) {
      if (field.getKey().startsWith("pooling_mode_") && field.getValue().asBoolean(false)) {
        modes.add(field.getKey());
      }
    }
    if (modes.isEmpty() || modes.equals(List.of("pooling_mode_mean_tokens"))) {
      return Pooling.Kind.MEAN;
    }
    if (modes.equals(List.of("pooling_mode_cls_token"))) {
      return Pooling.Kind.FIRST;
    }
    throw new CheckpointException(
        "%s asks for %s; supported are pooling_mode_mean_tokens or pooling_mode_cls_token, alone"
            .formatted(file, modes));
  }

  private static String prefix(HuggingFaceLayout files) throws IOException {
    JsonNode json = json(files.file(PROMPTS));
    String name = json.path("default_prompt_name").asText("");
    String prefix = json.path("prompts").path(name).asText("");
    if (prefix.length() > MAX_PREFIX) {
      throw new CheckpointException(
          "%s: the prompt '%s' has %d characters; at most %d"
              .formatted(files.file(PROMPTS), name, prefix.length(), MAX_PREFIX));
    }
    return prefix;
  }

  /** An object or array; missing if the file is. */
  private static JsonNode json(Path file) throws IOException {
    if (!Files.exists(file)) {
      return MAPPER.missingNode();
    }
    if (Files.size(file) > HuggingFaceLayout.MAX_CONFIG_BYTES) {
      throw new CheckpointException(
          file + " is larger than " + HuggingFaceLayout.MAX_CONFIG_BYTES + " bytes");
    }
    try {
      return MAPPER.readTree(Files.readAllBytes(file));
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new CheckpointException(file + " is not valid JSON: " + e.getOriginalMessage(), e);
    }
  }
}
