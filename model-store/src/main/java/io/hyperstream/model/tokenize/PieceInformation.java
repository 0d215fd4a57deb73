package io.hyperstream.model.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * How much seeing a piece tells, in nats, from a {@code tokenizer.json} alone. A unigram vocabulary
 * says how common its pieces are. A WordPiece vocabulary lists single characters, then its words
 * from common to rare: the word of rank r tells {@code ln(r + 3.7) + 2.3} (Zipf-Mandelbrot), at
 * most {@value #MOST}.
 */
final class PieceInformation {
  private static final double SHIFT = 3.7;
  private static final double LEAST = 2.3;
  private static final double MOST = 12;

  /** Of characters before the first word, punctuation among them: they are not ranked. */
  private static final double CHARACTER = 3;

  private PieceInformation() {}

  /** [ids]; 0 for special tokens and pieces of which nothing is known. */
  static double[] of(JsonNode vocabulary, int size, List<String> specials) {
    return vocabulary.isArray()
        ? unigram(vocabulary, size, specials)
        : wordPiece(vocabulary, size, specials);
  }

  /** [[piece, log-probability], ...]. */
  private static double[] unigram(JsonNode vocabulary, int size, List<String> specials) {
    double[] out = new double[size];
    for (int id = 0; id < vocabulary.size(); id++) {
      String piece = vocabulary.path(id).path(0).asText();
      out[id] = specials.contains(piece) ? 0 : -vocabulary.path(id).path(1).asDouble();
    }
    return out;
  }

  /** {piece: id, ...}. */
  private static double[] wordPiece(JsonNode vocabulary, int size, List<String> specials) {
    String[] pieces = new String[size];
    for (var entry : vocabulary.properties()) {
      int id = entry.getValue().asInt(-1);
      if (id >= 0 && id < size) {
        pieces[id] = entry.getKey();
      }
    }
    double[] out = new double[size];
    int rank = -1;
    for (int id = 0; id < size; id++) {
      String piece = pieces[id];
      if (piece == null || specials.contains(piece) || piece.startsWith("[unused")) {
        continue;
      }
      boolean word = piece.codePointCount(0, piece.length()) > 1;
      if (rank >= 0 || word) {
        rank++;
        out[id] = Math.min(MOST, Math.log(rank + SHIFT) + LEAST);
      } else {
        out[id] = CHARACTER;
      }
    }
    return out;
  }
}
