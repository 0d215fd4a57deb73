package io.hyperstream.model.bench;

import java.util.List;

/**
 * A model of ours, run by another program, to be held against the engine. Made by an {@link
 * OpponentFactory}. One thread at a time, any thread.
 */
public interface Opponent extends AutoCloseable {
  /** What rows of a table call it, such as {@code onnxruntime-int8}. */
  String name();

  /** Program, version and number format, for people. */
  String about();

  /** Whether it computes in float32 what the engine computes, so that the numbers must agree. */
  boolean exact();

  /**
   * The vectors of a batch of texts: padded to the longest, encoded in one pass, pooled as the
   * model was trained for.
   *
   * @param ids of each text, special tokens included, without padding; not changed
   * @return [texts][d], each of length 1
   * @throws IllegalStateException if the program fails
   */
  float[][] encode(List<int[]> ids);

  /** Frees the model. */
  @Override
  void close();
}
