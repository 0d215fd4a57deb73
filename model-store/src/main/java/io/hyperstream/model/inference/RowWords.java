package io.hyperstream.model.inference;

import io.hyperstream.model.prototype.LexicalFeatures;
import io.hyperstream.model.prototype.LexicalVector;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The lexical features of a row's text, made when they are first asked for: by {@code prepare} if
 * the row's adapters need them then, by the batch if a version that does arrived while the row was
 * waiting. Any thread.
 */
final class RowWords implements Supplier<LexicalVector> {
  private final LexicalFeatures features;
  private final String text;
  private final Optional<String> textPair;
  private volatile LexicalVector made; // several threads may make it: the results are equal

  RowWords(LexicalFeatures features, String text, Optional<String> textPair) {
    this.features = features;
    this.text = text;
    this.textPair = textPair;
  }

  @Override
  public LexicalVector get() {
    LexicalVector known = made;
    if (known == null) {
      known = features.of(text, textPair);
      made = known;
    }
    return known;
  }
}
