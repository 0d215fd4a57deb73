package io.hyperstream.model.prototype;

/** How a family's label vectors are fitted. */
public enum HeadForm {
  /**
   * One fit over states and one over words, mixed with the zero-shot scores by three weights;
   * states are centred and scaled to length 1. For T5, whose states say less than its decoder.
   */
  SEPARATE,
  /**
   * One fit over centred states and words side by side, mixed with the zero-shot scores by two
   * weights. For pretrained encoders.
   */
  JOINT
}
