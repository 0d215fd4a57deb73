package io.hyperstream.model.task;

import java.text.Normalizer;
import java.util.Optional;

/**
 * One class of a classification task. Names and verbalizers are kept in {@linkplain #canonical one
 * spelling}, so that two that look alike are one.
 *
 * @param name what predictions carry
 * @param verbalizer the text the decoder scores for it; often the name itself
 * @param description what the label means, for a model that compares a text with the meaning of
 *     each label; empty: the name says it. A blank one is none
 */
public record Label(String name, String verbalizer, Optional<String> description) {
  /** Characters of a description, at most. */
  public static final int MAX_DESCRIPTION_LENGTH = 512;

  public Label {
    if (name == null || name.isBlank()) {
      throw new IllegalArgumentException("a label needs a name; got " + name);
    }
    if (name.codePoints().anyMatch(Label::isControl)) {
      throw new IllegalArgumentException(
          "the name of label '"
              + escaped(name)
              + "' has a control character, which no line of a file or a screen can show; take it"
              + " out");
    }
    if (verbalizer == null || verbalizer.isBlank()) {
      throw new IllegalArgumentException(
          "label '" + name + "' needs a verbalizer; leave it out to use the name");
    }
    name = canonical(name);
    verbalizer = canonical(verbalizer);
    description = description.map(String::strip).filter(text -> !text.isEmpty());
    if (description.isPresent() && description.get().length() > MAX_DESCRIPTION_LENGTH) {
      throw new IllegalArgumentException(
          "the description of label '%s' has %d characters, at most %d are taken; shorten it"
              .formatted(name, description.get().length(), MAX_DESCRIPTION_LENGTH));
    }
  }

  /**
   * The one spelling of a label's name: in Unicode's form NFC, in which an é is one character. Some
   * programs and file systems write it as two, e and an accent.
   */
  public static String canonical(String name) {
    return Normalizer.normalize(name, Normalizer.Form.NFC);
  }

  /** A tab, an end of a line, NUL and the like, or half of a character. */
  private static boolean isControl(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          true;
      default -> false;
    };
  }

  /** With control characters as they are written in JSON and Java. */
  private static String escaped(String name) {
    StringBuilder escaped = new StringBuilder();
    name.codePoints()
        .forEach(
            character -> {
              if (isControl(character)) {
                escaped.append("\\u%04x".formatted(character));
              } else {
                escaped.appendCodePoint(character);
              }
            });
    return escaped.toString();
  }

  /** A label whose name says what it means. */
  public Label(String name, String verbalizer) {
    this(name, verbalizer, Optional.empty());
  }

  /** A label whose verbalizer is its name. */
  public static Label of(String name) {
    return new Label(name, name);
  }

  /**
   * A label as it is written down.
   *
   * @param verbalizer empty: the name
   */
  public static Label of(String name, Optional<String> verbalizer, Optional<String> description) {
    return new Label(name, verbalizer.orElse(name), description);
  }

  /** The verbalizer, where it is another text than the name. */
  public Optional<String> ownVerbalizer() {
    return Optional.of(verbalizer).filter(text -> !text.equals(name));
  }
}
