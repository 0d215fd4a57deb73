package io.hyperstream.model.inference;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Which words spoke for a classification: for each, how much less likely the label is without it.
 * That counts whatever answered, label vectors or the model's own scores, and costs an answer for
 * each word, so there are {@value #MAX_PARTS} parts at most: neighbouring words of a longer text
 * are left out together.
 */
public final class Explanation {
  /** Answers it takes at most. */
  public static final int MAX_PARTS = 32;

  private static final int MAX_CHARS = 100;

  /**
   * A text without some of its words.
   *
   * @param words what was left out, cut to {@value #MAX_CHARS} characters
   * @param textPair the second text, if there is one
   */
  public record Variant(String words, String text, Optional<String> textPair) {}

  /**
   * What words counted.
   *
   * @param words as they are in the text; the beginning of many
   * @param effect by how much the label's probability falls without them, -1 to 1; less than 0 if
   *     they spoke against it
   */
  public record Effect(String words, double effect) {}

  private record Range(boolean pair, int from, int to) {}

  private Explanation() {}

  /** The text without each of its words, in their order; of a pair, the first text's come first. */
  public static List<Variant> variants(String text, Optional<String> textPair) {
    int most = textPair.isEmpty() ? MAX_PARTS : MAX_PARTS / 2;
    List<Range> parts = new ArrayList<>(together(words(text, false), most));
    textPair.ifPresent(second -> parts.addAll(together(words(second, true), most)));
    List<Variant> variants = new ArrayList<>();
    for (Range range : parts) {
      String of = range.pair() ? textPair.orElseThrow() : text;
      String rest = of.substring(0, range.from()) + of.substring(range.to());
      if (words(rest, false).isEmpty()) {
        continue; // nothing is left to be asked about
      }
      String left = of.substring(range.from(), range.to());
      variants.add(
          new Variant(
              left.substring(0, left.offsetByCodePoints(0, codePoints(left))),
              range.pair() ? text : rest,
              range.pair() ? Optional.of(rest) : textPair));
    }
    return variants;
  }

  private static int codePoints(String text) {
    return Math.min(MAX_CHARS, text.codePointCount(0, text.length()));
  }

  private static List<Range> words(String text, boolean pair) {
    BreakIterator breaks = BreakIterator.getWordInstance(Locale.ROOT);
    breaks.setText(text);
    List<Range> words = new ArrayList<>();
    int from = breaks.first();
    for (int to = breaks.next(); to != BreakIterator.DONE; from = to, to = breaks.next()) {
      if (text.substring(from, to).codePoints().anyMatch(Character::isLetterOrDigit)) {
        words.add(new Range(pair, from, to));
      }
    }
    return words;
  }

  /** Neighbours made one, so that there are few enough. */
  private static List<Range> together(List<Range> words, int most) {
    int each = (words.size() + most - 1) / most;
    List<Range> out = new ArrayList<>();
    for (int i = 0; i < words.size(); i += each) {
      Range last = words.get(Math.min(i + each, words.size()) - 1);
      out.add(new Range(last.pair(), words.get(i).from(), last.to()));
    }
    return out;
  }

  /**
   * What each variant's words counted for the most probable label.
   *
   * @param whole probabilities of the labels for the whole text
   * @param without of each variant; empty where it has no answer
   * @return the strongest first
   */
  public static List<Effect> effects(
      List<Float> whole, List<Variant> variants, List<Optional<List<Float>>> without) {
    int best = 0;
    for (int l = 1; l < whole.size(); l++) {
      best = whole.get(l) > whole.get(best) ? l : best;
    }
    List<Effect> effects = new ArrayList<>();
    for (int i = 0; i < variants.size(); i++) {
      if (without.get(i).isPresent()) {
        double effect = (double) whole.get(best) - without.get(i).get().get(best);
        effects.add(new Effect(variants.get(i).words(), effect));
      }
    }
    effects.sort(Comparator.comparingDouble(Effect::effect).reversed()); // stable
    return effects;
  }
}
