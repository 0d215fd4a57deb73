package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.hyperstream.model.tensor.Ops;
import java.util.List;

/**
 * Sequences padded to one length. Lives in the scope it was made in.
 *
 * @param ids [B, S] int64
 * @param segments [B, S] int64: 0 for the first text of a pair, 1 for the second
 * @param mask [B, S] float32: 1 for a token, 0 for padding
 */
public record TokenBatch(NDArray ids, NDArray segments, NDArray mask) {
  /** Lengths are rounded up to this, so that few shapes occur. */
  private static final int LENGTH_STEP = 2;

  /** Padded length of a batch whose longest sequence has so many tokens. */
  public static int paddedLength(int longest) {
    return (longest + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
  }

  /** Pads sequences to the longest of them. */
  public static TokenBatch of(Backbone backbone, List<TokenSequence> sequences) {
    int longest = sequences.stream().mapToInt(TokenSequence::length).max().orElse(1);
    int length = paddedLength(longest);
    long[] ids = new long[sequences.size() * length];
    long[] segments = new long[ids.length];
    float[] mask = new float[ids.length];
    int padId = backbone.shape().padId();
    for (int i = 0; i < sequences.size(); i++) {
      TokenSequence sequence = sequences.get(i);
      for (int j = 0; j < length; j++) {
        boolean token = j < sequence.length();
        int at = i * length + j;
        ids[at] = token ? sequence.ids()[j] : padId;
        segments[at] = token && j >= sequence.secondFrom() ? 1 : 0;
        mask[at] = token ? 1 : 0;
      }
    }
    NDManager manager = backbone.manager();
    Shape shape = new Shape(sequences.size(), length);
    return new TokenBatch(
        manager.create(ids, shape), manager.create(segments, shape), manager.create(mask, shape));
  }

  /** B. */
  public int rows() {
    return (int) ids.getShape().get(0);
  }

  /** S. */
  public int length() {
    return (int) ids.getShape().get(1);
  }

  /** The rows {@code [from, to)}, as views. */
  public TokenBatch slice(int from, int to) {
    return new TokenBatch(
        Ops.slice(ids, 0, from, to),
        Ops.slice(segments, 0, from, to),
        Ops.slice(mask, 0, from, to));
  }
}
