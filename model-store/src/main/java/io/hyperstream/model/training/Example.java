package io.hyperstream.model.training;

import java.util.Optional;

/**
 * One labelled text.
 *
 * @param label a label's name, or a number for regression
 */
public record Example(String text, Optional<String> textPair, String label) {
  public Example {
    if (text == null || label == null) {
      throw new IllegalArgumentException("an example needs a text and a label");
    }
  }

  public static Example of(String text, String label) {
    return new Example(text, Optional.empty(), label);
  }
}
