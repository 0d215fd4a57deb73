package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.tensor.Ops;

/**
 * How a sequence's states become one vector.
 *
 * @param kind which states count
 * @param normalized whether the vector is scaled to length 1
 */
public record Pooling(Kind kind, boolean normalized) {
  /** The mean of all tokens' states, as it is. */
  public static final Pooling MEAN = new Pooling(Kind.MEAN, false);

  /** Which states count. */
  public enum Kind {
    /** The first token's, {@code [CLS]}. */
    FIRST,
    /** The mean over all tokens. */
    MEAN
  }

  /** [B, d]. */
  NDArray of(Encoded encoded) {
    NDArray pooled =
        switch (kind) {
          case FIRST -> encoded.first();
          case MEAN -> encoded.mean();
        };
    return normalized ? Ops.unitLength(pooled) : pooled;
  }
}
