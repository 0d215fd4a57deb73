package io.hyperstream.model.tokenize;

import java.util.Arrays;

/**
 * Text to token ids. Any string has defined ids: unpaired surrogates are read as U+FFFD, unknown
 * characters become the unknown token, and text that looks like a special token is ordinary text.
 *
 * <p>Thread-safe; {@link #close} waits for calls under way, and later calls fail.
 */
public interface Tokenizer extends AutoCloseable {
  /**
   * Token ids of one text.
   *
   * @param ids special tokens included
   * @param truncated whether tokens were cut
   */
  record Encoded(int[] ids, boolean truncated) {}

  /** Ids are below this; a model's vocabulary may be larger (sentinels, padding). */
  int size();

  /** Ids of a text without special tokens. Cost is linear in the text. */
  int[] pieces(String text);

  /** Ids of a text: all of them, or its first ones and at least so many. */
  default int[] pieces(String text, int enough) {
    return pieces(text);
  }

  /** A sequence of one text: with its special tokens. */
  int[] wrap(int[] pieces);

  /** A sequence of two texts: with its special tokens. */
  Pair wrap(int[] first, int[] second);

  /**
   * A sequence of two texts.
   *
   * @param ids special tokens included
   * @param secondFrom where the second begins for a model that tells them apart; the length if it
   *     does not
   */
  record Pair(int[] ids, int secondFrom) {}

  /** Special tokens of a sequence of one text; as many ids mean that the text is empty. */
  int specials();

  /** Special tokens of a sequence of two texts. */
  int pairSpecials();

  /**
   * What seeing a piece tells, without any data: minus the logarithm of how common it is. 0 for
   * special and unknown pieces.
   */
  double information(int id);

  /** All token ids of a text. */
  default int[] encode(String text) {
    return wrap(pieces(text));
  }

  /**
   * At most {@code maxTokens} token ids. Of a very long text only as much is read as decides them.
   *
   * @param maxTokens at least one more than {@link #specials}
   */
  default Encoded encode(String text, int maxTokens) {
    int most = maxTokens - specials();
    if (most < 1) {
      throw new IllegalArgumentException(
          "a text needs a token beside %d special ones; got a limit of %d"
              .formatted(specials(), maxTokens));
    }
    int[] pieces = pieces(text, most + 1);
    boolean truncated = pieces.length > most;
    return new Encoded(wrap(truncated ? Arrays.copyOf(pieces, most) : pieces), truncated);
  }

  @Override
  void close();
}
