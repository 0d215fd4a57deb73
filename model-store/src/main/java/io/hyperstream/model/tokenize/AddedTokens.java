package io.hyperstream.model.tokenize;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * {@code added_tokens.json}: what was added to a tokenizer after it was trained. The tokenizers
 * here do not read it, but it tells of a tokenizer that has outgrown its model.
 */
public final class AddedTokens {
  public static final String FILE = "added_tokens.json";

  private static final long MAX_BYTES = 16 << 20;

  private AddedTokens() {}

  /**
   * Does nothing if the file is not there or all its ids have a row in the embedding table.
   *
   * @param file {@value #FILE}
   * @param vocabulary rows of the table, as {@code config} says
   * @throws IOException naming the first token that has none
   */
  public static void check(Path file, int vocabulary, Path config) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    if (Files.size(file) > MAX_BYTES) {
      throw new IOException(file + " is larger than " + MAX_BYTES + " bytes");
    }
    JsonNode tokens;
    try {
      tokens = new ObjectMapper().readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw new IOException(file + " is not valid JSON: " + e.getOriginalMessage(), e);
    }
    for (Map.Entry<String, JsonNode> token : tokens.properties()) {
      if (token.getValue().asLong() >= vocabulary) {
        throw beyond(file, token.getKey(), token.getValue().asLong(), vocabulary, config);
      }
    }
  }

  /** What to say of a token that the model has no row for. */
  public static IOException beyond(Path file, String token, long id, int vocabulary, Path config) {
    return new IOException(
        "%s has the token '%s' with the id %d; vocab_size of %s is %d, so that ids end at %d. Take tokenizer and model from one place, or resize the model's embeddings and save it again"
            .formatted(file, token, id, config, vocabulary, vocabulary - 1));
  }
}
