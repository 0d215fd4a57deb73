package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.tensor.Ops;
import java.util.Arrays;

/**
 * What the encoder made of a batch. Lives in the scope it was made in.
 *
 * @param states [B, S, d] last hidden states
 * @param mask [B, S] float32: 1 for a token, 0 for padding
 */
public record Encoded(NDArray states, NDArray mask) {
  /** B. */
  public int rows() {
    return (int) states.getShape().get(0);
  }

  /** [B, d], one vector per sequence. */
  public NDArray pooled(Pooling pooling) {
    return pooling.of(this);
  }

  /** [B][d], the same as numbers of Java. */
  public float[][] vectors(Pooling pooling) {
    float[] all = pooled(pooling).toFloatArray();
    int width = all.length / rows();
    float[][] out = new float[rows()][];
    Arrays.setAll(out, row -> Arrays.copyOfRange(all, row * width, (row + 1) * width));
    return out;
  }

  /** [B, d]: the mean over the tokens. */
  NDArray mean() {
    NDArray share = mask.div(mask.sum(new int[] {1}, true)); // [B, S]
    return Ops.bmm(share.expandDims(1), states)
        .reshape(mask.getShape().get(0), states.getShape().get(2));
  }

  /** [B, d]: the state of the first token. */
  NDArray first() {
    return Ops.select(states, 1, 0);
  }
}
