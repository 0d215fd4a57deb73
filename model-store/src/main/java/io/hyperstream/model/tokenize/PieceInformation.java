package io.hyperstream.model.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;

/**
 * How much seeing a piece tells, in nats, from a {@code tokenizer.json} alone. A unigram vocabulary
 * says how common its pieces are. A WordPiece vocabulary lists its words from common to rare: the
 * word of rank r is taken to have a share of 1 / (r + {@value #COMMON}), Zipf's law.
 */
final class PieceInformation {
  private static final int COMMON = 10;

  /** Of single characters, punctuation among them: a WordPiece vocabulary does not rank them. */
  private static final double CHARACTER = 4;

  private PieceInformation() {}

  /** [ids]; 0 for special tokens and pieces of which nothing is known. */
  static double[] of(JsonNode vocabulary, int size, List<String> specials) {
    double[] out = new double[size];
    if (vocabulary.isArray()) { // unigram: [[piece, log-probability], ...]
      for (int id = 0; id < vocabulary.size(); id++) {
        String piece = vocabulary.path(id).path(0).asText();
        out[id] = specials.contains(piece) ? 0 : -vocabulary.path(id).path(1).asDouble();
      }
      return out;
    }
    String[] pieces = new String[size];
    for (var entry : vocabulary.properties()) {
      int id = entry.getValue().asInt(-1);
      if (id >= 0 && id < size) {
        pieces[id] = entry.getKey();
      }
    }
    int rank = 0;
    for (int id = 0; id < size; id++) {
      String piece = pieces[id];
      if (piece == null || specials.contains(piece) || piece.startsWith("[unused")) {
        continue;
      }
      String letters = piece.startsWith("##") ? piece.substring(2) : piece;
      boolean character = letters.codePointCount(0, letters.length()) == 1;
      out[id] = character ? CHARACTER : Math.log(COMMON + rank++);
    }
    double total = Arrays.stream(out).filter(value -> value > 0).map(v -> Math.exp(-v)).sum();
    return Arrays.stream(out)
        .map(value -> value > 0 ? value + Math.log(Math.max(1, total)) : 0)
        .toArray();
  }
}
