package io.hyperstream.model.prototype;

import io.hyperstream.model.tokenize.Tokenizer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What words a text has, without any network: its subwords and pairs of neighbours, each weighted
 * by how rare the tokenizer's corpus makes it (the log-probability of a SentencePiece piece is an
 * idf that needs no data), hashed with signs into a fixed number of places and scaled to length 1.
 * Of two texts: which pieces they share, which are of one alone, and how large the overlap is.
 * Immutable, any thread. Published versions depend on every number here: none may change.
 */
public final class LexicalFeatures {
  static final int PLACES = 16_384;

  /** Sizes of the overlap of two texts. */
  static final int OVERLAPS = 4;

  private static final int MAX_PIECES = 511;
  private static final double LEAST_IDF = 0.5;
  private static final double MOST_IDF = 12;

  /** What a piece counts again each further time it occurs. */
  private static final double REPETITION = 0.3;

  private static final double PAIR_SHARE = 0.35;
  private static final long SIDE_FIRST = 1;
  private static final long SIDE_SECOND = 2;
  private static final long SIDE_BOTH = 3;

  /**
   * What of it is used.
   *
   * @param textScale length of a single text's features
   * @param overlapScale what sizes of overlaps are multiplied with
   * @param pairPieces whether two texts' pieces count, beside the sizes of their overlap
   */
  public record Form(double textScale, double overlapScale, boolean pairPieces) {
    /** For vectors fitted apart from others. */
    public static final Form ALONE = new Form(1, 1, true);

    /** For vectors fitted together with those over an encoder's states. */
    public static final Form BESIDE_STATES = new Form(Math.sqrt(0.5), 0.5, false);
  }

  private final Tokenizer tokenizer;
  private final Form form;

  public LexicalFeatures(Tokenizer tokenizer, Form form) {
    this.tokenizer = tokenizer;
    this.form = form;
  }

  /** The features of one text or of two. */
  public LexicalVector of(String text, Optional<String> textPair) {
    Map<Long, Double> first = pieces(text);
    if (textPair.isPresent()) {
      return ofPair(first, pieces(textPair.get()));
    }
    Map<Integer, Double> out = new HashMap<>();
    first.forEach((piece, weight) -> add(out, hash(0, piece), weight));
    return LexicalVector.unit(out).times(form.textScale());
  }

  private LexicalVector ofPair(Map<Long, Double> first, Map<Long, Double> second) {
    Map<Integer, Double> out = new HashMap<>();
    double shared = 0;
    double inFirst = 0;
    double inSecond = 0;
    for (Map.Entry<Long, Double> piece : first.entrySet()) {
      boolean both = second.containsKey(piece.getKey());
      shared += both ? piece.getValue() : 0;
      inFirst += piece.getValue();
      add(out, hash(both ? SIDE_BOTH : SIDE_FIRST, piece.getKey()), piece.getValue());
    }
    for (Map.Entry<Long, Double> piece : second.entrySet()) {
      inSecond += piece.getValue();
      if (!first.containsKey(piece.getKey())) {
        add(out, hash(SIDE_SECOND, piece.getKey()), piece.getValue());
      }
    }
    double by = form.overlapScale();
    return (form.pairPieces() ? LexicalVector.unit(out) : LexicalVector.NONE)
        .with(
            PLACES,
            by * shared / Math.max(1, Math.min(inFirst, inSecond)),
            by * shared / Math.max(1, inFirst + inSecond - shared),
            by * shared / Math.max(1, inSecond),
            by * Math.log((1 + inFirst) / (1 + inSecond)) / 2);
  }

  /** Pieces and pairs of neighbours with their weights. */
  private Map<Long, Double> pieces(String text) {
    int[] ids = tokenizer.pieces(text, MAX_PIECES);
    Map<Long, Double> out = new HashMap<>();
    double before = 0;
    for (int i = 0; i < Math.min(ids.length, MAX_PIECES); i++) {
      double idf = idf(ids[i]);
      if (idf > 0) {
        out.merge((long) ids[i], idf, (a, b) -> a + REPETITION * b);
        if (i > 0) {
          long pair = (ids[i - 1] + 1L) << 32 | ids[i];
          out.merge(pair, PAIR_SHARE * (before + idf), (a, b) -> a + REPETITION * b);
        }
      }
      before = idf;
    }
    return out;
  }

  private double idf(int id) {
    double information = tokenizer.information(id);
    return information == 0 ? 0 : Math.max(LEAST_IDF, Math.min(MOST_IDF, information));
  }

  /** 64 well-mixed bits of both (SplitMix64's finaliser). */
  private static long hash(long side, long piece) {
    long z = side * 0x9E3779B97F4A7C15L + piece * 0xD1B54A32D192ED03L + 0x8CB92BA72F3D8DD7L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  private static void add(Map<Integer, Double> out, long hash, double weight) {
    out.merge((int) (hash >>> 1 & PLACES - 1), (hash & 1) == 0 ? weight : -weight, Double::sum);
  }
}
