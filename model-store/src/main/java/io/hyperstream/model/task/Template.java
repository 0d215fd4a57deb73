package io.hyperstream.model.task;

/**
 * The input text of a task with the place holders {@code {text}} and {@code {textPair}}. Plain
 * substitution in one pass: a place holder inside a user's text is not expanded, nothing is
 * evaluated.
 *
 * @param pattern at most {@value #MAX_LENGTH} characters, with {@code {text}} in it; at most
 *     {@value #MAX_PLACE_HOLDERS} place holders, so that a long text stays of bounded length
 */
public record Template(String pattern) {
  public static final int MAX_LENGTH = 4096;
  public static final int MAX_PLACE_HOLDERS = 8;
  public static final Template SINGLE = new Template("{text}");
  public static final Template PAIR = new Template("sentence1: {text} sentence2: {textPair}");

  private static final String TEXT = "{text}";
  private static final String TEXT_PAIR = "{textPair}";

  public Template {
    if (pattern == null || !pattern.contains(TEXT)) {
      throw new IllegalArgumentException(
          "a template needs the place holder {text}; got '" + pattern + "'");
    }
    if (pattern.length() > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "a template has at most " + MAX_LENGTH + " characters; got " + pattern.length());
    }
    int holders = count(pattern, TEXT) + count(pattern, TEXT_PAIR);
    if (holders > MAX_PLACE_HOLDERS) {
      throw new IllegalArgumentException(
          "a template has at most " + MAX_PLACE_HOLDERS + " place holders; got " + holders);
    }
  }

  private static int count(String pattern, String holder) {
    int count = 0;
    for (int at = pattern.indexOf(holder); at >= 0; at = pattern.indexOf(holder, at + 1)) {
      count++;
    }
    return count;
  }

  /** Whether rendering needs the second text of a pair. */
  public boolean needsPair() {
    return pattern.contains(TEXT_PAIR);
  }

  /**
   * The model's input.
   *
   * @param textPair used where the pattern has {@code {textPair}}; ignored otherwise
   */
  public String render(String text, String textPair) {
    StringBuilder out = new StringBuilder(pattern.length() + text.length() + textPair.length());
    for (int i = 0; i < pattern.length(); ) {
      if (pattern.startsWith(TEXT, i)) {
        out.append(text);
        i += TEXT.length();
      } else if (pattern.startsWith(TEXT_PAIR, i)) {
        out.append(textPair);
        i += TEXT_PAIR.length();
      } else {
        out.append(pattern.charAt(i++));
      }
    }
    return out.toString();
  }
}
