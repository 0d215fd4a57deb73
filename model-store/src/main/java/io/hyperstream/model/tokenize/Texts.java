package io.hyperstream.model.tokenize;

import java.util.function.Function;

/** What both kinds of tokenizer do to a text first. */
final class Texts {
  /** A longer text is cut to what decides its first tokens before it is encoded. */
  private static final int CHARS_PER_TOKEN = 64;

  private Texts() {}

  /** Pieces of the text, all of them or at least {@code enough}: no piece crosses a space. */
  static int[] prefix(String text, int enough, Function<String, int[]> pieces) {
    long window = Math.max(4096L, (long) enough * CHARS_PER_TOKEN);
    while (window < text.length()) {
      int cut = text.lastIndexOf(' ', (int) window);
      if (cut > 0) {
        int[] found = pieces.apply(text.substring(0, cut));
        if (found.length >= enough) {
          return found;
        }
      }
      window *= 4;
    }
    return pieces.apply(text);
  }

  /** Native code wants well-formed text. */
  static String replaceUnpairedSurrogates(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        return rebuild(text);
      }
    }
    return text;
  }

  private static String rebuild(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
        .forEach(out::appendCodePoint);
    return out.toString();
  }
}
