package io.hyperstream.model.bert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.hyperstream.model.backbone.Pooling;
import io.hyperstream.model.checkpoint.CheckpointException;
import io.hyperstream.model.checkpoint.ConfigFields;
import io.hyperstream.model.checkpoint.HuggingFaceLayout;
import io.hyperstream.model.tokenize.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * What sentence-transformers' files say beside {@code config.json}. Without them: the mean over all
 * tokens, scaled to length 1, no prefix.
 *
 * @param pooling how states become a vector
 * @param prefix what stands before every text, such as e5's {@code "query: "}
 * @param maxTokens the longest input its maker used
 * @param lowerCase whether texts are to be put into lower case before they are tokenised
 */
record SentenceTransformer(
    Pooling pooling, String prefix, OptionalInt maxTokens, boolean lowerCase) {
  static final String MODULES = "modules.json";
  static final String POOLING = "1_Pooling/config.json";
  static final String PROMPTS = "config_sentence_transformers.json";
  static final String LIMITS = "sentence_bert_config.json";
  private static final String MEAN = "pooling_mode_mean_tokens";
  private static final String FIRST = "pooling_mode_cls_token";

  /** The name of a prompt that was given at import. */
  private static final String GIVEN = "query";

  private static final int MAX_PREFIX = 512;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  static SentenceTransformer read(HuggingFaceLayout files) throws IOException {
    JsonNode limits = json(files.file(LIMITS));
    int most = limits.path("max_seq_length").asInt(0);
    SentenceTransformer sentences =
        new SentenceTransformer(
            pooling(files),
            prefix(files),
            most > 0 ? OptionalInt.of(most) : OptionalInt.empty(),
            limits.path("do_lower_case").asBoolean(false));
    boolean pooled = json(files.file(POOLING)).path("include_prompt").asBoolean(true);
    if (!pooled && !sentences.prefix().isEmpty()) {
      throw new CheckpointException(
          "%s leaves the prompt out of the mean (include_prompt false); that is not supported"
              .formatted(files.file(POOLING)));
    }
    return sentences;
  }

  /**
   * Refuses what would read texts otherwise than its maker did.
   *
   * @throws CheckpointException naming the file
   */
  void check(Tokenizer tokenizer, HuggingFaceLayout files) {
    if (lowerCase && !Arrays.equals(tokenizer.pieces("A"), tokenizer.pieces("a"))) {
      throw new CheckpointException(
          "%s wants texts in lower case (do_lower_case), which tokenizer.json does not do; take the tokenizer of the lower-case model"
              .formatted(files.file(LIMITS)));
    }
  }

  /**
   * {@value #PROMPTS} with a prefix; what it says beside stays.
   *
   * @throws IllegalArgumentException if the prefix is too long
   */
  static byte[] withPrefix(HuggingFaceLayout files, String prefix) throws IOException {
    if (prefix.length() > MAX_PREFIX) {
      throw new IllegalArgumentException(
          "a prefix has at most %d characters; this one has %d"
              .formatted(MAX_PREFIX, prefix.length()));
    }
    ObjectNode json =
        json(files.file(PROMPTS)) instanceof ObjectNode there ? there : MAPPER.createObjectNode();
    ObjectNode prompts =
        json.path("prompts") instanceof ObjectNode there ? there : json.putObject("prompts");
    prompts.put(GIVEN, prefix);
    json.put("default_prompt_name", GIVEN);
    return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(json);
  }

  private static Pooling pooling(HuggingFaceLayout files) throws IOException {
    boolean normalized = !Files.exists(files.file(MODULES));
    for (JsonNode module : json(files.file(MODULES))) {
      String type = module.path("type").asText();
      String path = module.path("path").asText("");
      switch (type.substring(type.lastIndexOf('.') + 1)) {
        case "Transformer" -> requirePath(files, type, path, "");
        case "Pooling" -> {
          requirePath(files, type, path, POOLING.substring(0, POOLING.indexOf('/')));
          if (!Files.exists(files.file(POOLING))) {
            throw new CheckpointException(
                "%s names a pooling, and %s, which says which, is not there"
                    .formatted(files.file(MODULES), files.file(POOLING)));
          }
        }
        case "Normalize" -> normalized = true;
        default ->
            throw new CheckpointException(
                "%s names the module %s; supported are Transformer, Pooling and Normalize"
                    .formatted(files.file(MODULES), type));
      }
    }
    return new Pooling(kind(files.file(POOLING)), normalized);
  }

  private static void requirePath(
      HuggingFaceLayout files, String type, String path, String expected) {
    if (!path.equals(expected)) {
      throw new CheckpointException(
          "%s has the module %s in '%s'; expected '%s': move its files there and say so"
              .formatted(files.file(MODULES), type, path, expected));
    }
  }

  private static Pooling.Kind kind(Path file) throws IOException {
    List<String> modes = new ArrayList<>();
    if (json(file).has("pooling_mode")) { // as newer versions write it
      JsonNode mode = json(file).get("pooling_mode");
      modes.add(
          switch (mode.asText()) {
            case "mean" -> MEAN;
            case "cls" -> FIRST;
            default -> "pooling_mode " + mode;
          });
    }
    for (var field : json(file).properties()) {
      if (field.getKey().startsWith("pooling_mode_")
          && field.getValue().asBoolean(false)
          && !modes.contains(field.getKey())) {
        modes.add(field.getKey());
      }
    }
    if (modes.isEmpty() || modes.equals(List.of(MEAN))) {
      return Pooling.Kind.MEAN;
    }
    if (modes.equals(List.of(FIRST))) {
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
    return ConfigFields.read(file, HuggingFaceLayout.MAX_CONFIG_BYTES);
  }
}
