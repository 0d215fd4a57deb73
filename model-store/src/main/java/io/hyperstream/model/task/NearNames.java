package io.hyperstream.model.task;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Names someone may have meant who wrote another one. */
public final class NearNames {
  private static final int MOST = 3;
  private static final int LONGEST = 128;

  private NearNames() {}

  /** The nearest of the known names, at most three; those that contain the written one first. */
  public static List<String> of(String written, Collection<String> known) {
    record Near(String name, int distance) {}
    if (written.isEmpty() || written.length() > LONGEST) {
      return List.of();
    }
    String lower = written.toLowerCase(Locale.ROOT);
    int most = Math.max(2, written.length() / 3);
    List<Near> near = new ArrayList<>();
    for (String name : known) {
      if (name.equals(written)) {
        continue; // known since a moment ago
      }
      String other = name.toLowerCase(Locale.ROOT);
      int distance =
          other.contains(lower) || lower.contains(other)
              ? 0
              : Math.abs(other.length() - lower.length()) > most
                  ? Integer.MAX_VALUE
                  : distance(other, lower);
      if (distance <= most) {
        near.add(new Near(name, distance));
      }
    }
    return near.stream()
        .sorted(Comparator.comparingInt(Near::distance).thenComparing(Near::name))
        .limit(MOST)
        .map(Near::name)
        .toList();
  }

  /**
   * What to say behind a sentence that a name is not known.
   *
   * @param otherwise what to say if no name is near
   */
  public static String hint(String written, Collection<String> known, String otherwise) {
    return hint(of(written, known), otherwise);
  }

  /** The same for names that are {@link #of} some. */
  public static String hint(List<String> near, String otherwise) {
    return near.isEmpty() ? otherwise : "; did you mean " + String.join(" or ", near) + "?";
  }

  /** Letters to add, remove or replace (Levenshtein). */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
