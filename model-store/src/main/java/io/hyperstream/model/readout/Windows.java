package io.hyperstream.model.readout;

import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.tokenize.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A text too long for one sequence, read as several. */
public final class Windows {
  /** Most windows of a text; what comes after is not read. */
  public static final int MAX = 64;

  private Windows() {}

  /**
   * A text as the encoder reads it: in one sequence, or whole in several.
   *
   * @param maxTokens of a sequence, special tokens included
   */
  public static RowInput read(
      Tokenizer tokenizer, String text, OverLengthPolicy policy, int maxTokens) {
    if (policy != OverLengthPolicy.WINDOWS) {
      Tokenizer.Encoded encoded = tokenizer.encode(text, maxTokens);
      return RowInput.of(
          new TokenSequence(encoded.ids()),
          encoded.truncated(),
          encoded.ids().length == tokenizer.specials());
    }
    int[] pieces = tokenizer.pieces(text);
    int most = maxTokens - tokenizer.specials();
    return new RowInput(
        List.of(of(tokenizer, pieces, maxTokens)),
        pieces.length > (long) MAX * most,
        pieces.length == 0);
  }

  /** The whole text, in sequences of about the same length that do not overlap. */
  private static List<TokenSequence> of(Tokenizer tokenizer, int[] pieces, int maxTokens) {
    int most = maxTokens - tokenizer.specials();
    int count = Math.min(MAX, Math.max(1, (pieces.length + most - 1) / most));
    int read = (int) Math.min(pieces.length, (long) count * most);
    List<TokenSequence> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) i * read / count);
      int to = (int) ((long) (i + 1) * read / count);
      out.add(new TokenSequence(tokenizer.wrap(Arrays.copyOfRange(pieces, from, to))));
    }
    return out;
  }

  /** The mean of the vectors {@code [from, to)}. */
  public static float[] mean(float[][] vectors, int from, int to) {
    if (to - from == 1) {
      return vectors[from];
    }
    float[] mean = new float[vectors[from].length];
    for (int i = from; i < to; i++) {
      for (int j = 0; j < mean.length; j++) {
        mean[j] += vectors[i][j] / (to - from);
      }
    }
    return mean;
  }
}
