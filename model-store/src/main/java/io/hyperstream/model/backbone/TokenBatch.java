package io.hyperstream.model.backbone;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences that go through the encoder together. As arrays they are padded to one length, [B, S],
 * made when they are first asked for, in the scope that is open then. One thread.
 */
public final class TokenBatch {
  /** Lengths are rounded up to this, so that few shapes occur. */
  private static final int LENGTH_STEP = 2;

  private final NDManager manager;
  private final int padId;
  private final List<TokenSequence> sequences;
  private final int length;
  private NDArray ids;
  private NDArray segments;
  private NDArray mask;

  private TokenBatch(NDManager manager, int padId, List<TokenSequence> sequences, int length) {
    this.manager = manager;
    this.padId = padId;
    this.sequences = sequences;
    this.length = length;
  }

  /** Padded length of a batch whose longest sequence has so many tokens. */
  public static int paddedLength(int longest) {
    return (longest + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
  }

  /** Pads sequences to the longest of them. */
  public static TokenBatch of(Backbone backbone, List<TokenSequence> sequences) {
    int longest = sequences.stream().mapToInt(TokenSequence::length).max().orElse(1);
    return new TokenBatch(
        backbone.manager(),
        backbone.shape().padId(),
        List.copyOf(sequences),
        paddedLength(longest));
  }

  /**
   * Sequences that are padded already.
   *
   * @param ids [B, S] int64
   * @param mask [B, S] float32: 1 for a token, 0 for the padding behind them
   */
  public static TokenBatch padded(Backbone backbone, NDArray ids, NDArray mask) {
    int rows = (int) ids.getShape().get(0);
    int length = (int) ids.getShape().get(1);
    long[] all = ids.toLongArray();
    float[] tokens = mask.toFloatArray();
    List<TokenSequence> sequences = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      int[] sequence = new int[length];
      int n = 0;
      sequence[n] = (int) all[row * length + n++]; // a sequence of nothing is one token
      while (n < length && tokens[row * length + n] == 1) {
        sequence[n] = (int) all[row * length + n++];
      }
      sequences.add(new TokenSequence(Arrays.copyOf(sequence, n)));
    }
    TokenBatch batch =
        new TokenBatch(backbone.manager(), backbone.shape().padId(), sequences, length);
    batch.ids = ids;
    batch.mask = mask;
    return batch;
  }

  public List<TokenSequence> sequences() {
    return sequences;
  }

  /** B. */
  public int rows() {
    return sequences.size();
  }

  /** S. */
  public int length() {
    return length;
  }

  /** [B, S] int64. */
  public NDArray ids() {
    if (ids == null) {
      long[] values = new long[rows() * length];
      for (int i = 0; i < rows(); i++) {
        int[] sequence = sequences.get(i).ids();
        for (int j = 0; j < length; j++) {
          values[i * length + j] = j < sequence.length ? sequence[j] : padId;
        }
      }
      ids = manager.create(values, shape());
    }
    return ids;
  }

  /** [B, S] int64: 0 for the first text of a pair, 1 for the second. */
  public NDArray segments() {
    if (segments == null) {
      long[] values = new long[rows() * length];
      for (int i = 0; i < rows(); i++) {
        TokenSequence sequence = sequences.get(i);
        int from = i * length;
        Arrays.fill(values, from + sequence.secondFrom(), from + sequence.length(), 1);
      }
      segments = manager.create(values, shape());
    }
    return segments;
  }

  /** [B, S] float32: 1 for a token, 0 for padding. */
  public NDArray mask() {
    if (mask == null) {
      float[] values = new float[rows() * length];
      for (int i = 0; i < rows(); i++) {
        Arrays.fill(values, i * length, i * length + sequences.get(i).length(), 1);
      }
      mask = manager.create(values, shape());
    }
    return mask;
  }

  private Shape shape() {
    return new Shape(rows(), length);
  }
}
