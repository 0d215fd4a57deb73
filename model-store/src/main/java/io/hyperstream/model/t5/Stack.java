package io.hyperstream.model.t5;

/** The two halves of a T5. */
public enum Stack {
  ENCODER,
  DECODER;

  /** How weight names begin. */
  public String prefix() {
    return this == ENCODER ? "encoder" : "decoder";
  }
}
