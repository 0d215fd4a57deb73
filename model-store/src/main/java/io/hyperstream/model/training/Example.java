package io.hyperstream.model.training;

import io.hyperstream.model.task.Label;
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
    label = Label.canonical(label);
  }

  public static Example of(String text, String label) {
    return new Example(text, Optional.empty(), label);
  }
}
