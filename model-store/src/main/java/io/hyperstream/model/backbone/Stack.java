package io.hyperstream.model.backbone;

/** The halves of a transformer; an encoder-only model has the first. */
public enum Stack {
  ENCODER,
  DECODER;

  /** How weight names begin. */
  public String prefix() {
    return this == ENCODER ? "encoder" : "decoder";
  }
}
