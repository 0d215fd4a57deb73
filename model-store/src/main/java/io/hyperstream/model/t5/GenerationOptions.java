package io.hyperstream.model.t5;

/**
 * How to decode, in the reference's terms (transformers 3.5).
 *
 * @param maxLength most tokens of a row, start and end token included
 * @param beams 1 for greedy search
 * @param lengthPenalty beams compare by sum of log-probabilities over length to this power
 * @param earlyStopping whether a row is done when it has as many finished hypotheses as beams, or
 *     only when no beam can still beat them
 */
public record GenerationOptions(
    int maxLength, int beams, double lengthPenalty, boolean earlyStopping) {

  /** Most positions; a cache of this length stays small beside the model. */
  public static final int MAX_LENGTH = 4096;

  public static final int MAX_BEAMS = 64;

  public GenerationOptions {
    if (maxLength < 1 || maxLength > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "max_length must be 1 to " + MAX_LENGTH + "; it is " + maxLength);
    }
    if (beams < 1 || beams > MAX_BEAMS) {
      throw new IllegalArgumentException(
          "num_beams must be 1 to " + MAX_BEAMS + "; it is " + beams);
    }
  }

  public static GenerationOptions greedy(int maxLength) {
    return new GenerationOptions(maxLength, 1, 1, false);
  }

  public static GenerationOptions beam(int maxLength, int beams) {
    return new GenerationOptions(maxLength, beams, 1, false);
  }
}
