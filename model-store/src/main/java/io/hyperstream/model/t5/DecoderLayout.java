package io.hyperstream.model.t5;

import ai.djl.ndarray.NDArray;

/**
 * Which target positions a decoder pass has and which of them see which: a sequence, or a tree of
 * label prefixes scored in one pass. Lives as long as the scope it was made in, unless taken out
 * with {@code Ops.keep(layout.selfBias())}.
 *
 * @param depth [N] each position's distance from the start token
 * @param selfBias [1, H, N, N], added to the scores of self-attention
 */
public record DecoderLayout(int[] depth, NDArray selfBias) {

  /** N. */
  public int length() {
    return depth.length;
  }
}
