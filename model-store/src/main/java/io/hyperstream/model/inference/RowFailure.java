package io.hyperstream.model.inference;

import io.hyperstream.model.inference.InferenceException.Code;

/**
 * A row the model ran but could not answer; the other rows of its batch are not affected.
 *
 * @param code why; becomes the dead letter's code
 * @param message a sentence a person can act on
 */
public record RowFailure(Code code, String message) implements RowResult {
  public RowFailure {
    if (code == null || message == null) {
      throw new IllegalArgumentException("a failure needs a code and a message");
    }
  }
}
