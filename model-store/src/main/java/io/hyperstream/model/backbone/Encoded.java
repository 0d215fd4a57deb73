package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.tensor.Ops;
import java.util.Arrays;
import java.util.Optional;

/**
 * What the encoder made of a batch. Lives in the scope it was made in.
 *
 * @param states [B, S, d] last hidden states
 * @param middle [B, S, d] states after half of the layers; empty where nobody reads them
 * @param mask [B, S] float32: 1 for a token, 0 for padding
 * @param computed tokens that went through the layers
 */
public record Encoded(NDArray states, Optional<NDArray> middle, NDArray mask, int computed) {
  /** States of rows that were encoded with others. */
  public Encoded(NDArray states, NDArray mask) {
    this(states, Optional.empty(), mask, 0);
  }

  /** B. */
  public int rows() {
    return (int) states.getShape().get(0);
  }

  /** [B, d], one vector per sequence. */
  public NDArray pooled(Pooling pooling) {
    return pooling.of(this);
  }

  /** What is known after half of the layers, as if it were all. */
  public Optional<Encoded> half() {
    return middle.map(states -> new Encoded(states, Optional.empty(), mask, 0));
  }

  /** [B][d], the same as numbers of Java. */
  public float[][] vectors(Pooling pooling) {
    return rows(pooled(pooling));
  }

  /** Rows of an array [n, d]. */
  public static float[][] rows(NDArray array) {
    float[] all = array.toFloatArray();
    int rows = (int) array.getShape().get(0);
    int width = all.length / rows;
    float[][] out = new float[rows][];
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
