package io.hyperstream.model.bert;

import io.hyperstream.model.backbone.Pooling;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.readout.RowEncoder;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.readout.Windows;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.Template;
import io.hyperstream.model.tokenize.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What an encoder reads. One text: the task's template with the text filled in. Two texts: each
 * alone, and both in one sequence, so that words of one attend to those of the other. A pair's
 * vector is [u, v, |u - v|, u * v, both], 5 d numbers.
 */
final class SentenceRows implements RowEncoder {
  private static final int PAIR_BLOCKS = 5;

  private final Tokenizer tokenizer;
  private final Pooling pooling;
  private final String prefix;
  private final int width;
  private final int maxTokens;

  SentenceRows(Tokenizer tokenizer, Pooling pooling, String prefix, int width, int maxTokens) {
    this.tokenizer = tokenizer;
    this.pooling = pooling;
    this.prefix = prefix;
    this.width = width;
    this.maxTokens = maxTokens;
  }

  @Override
  public RowInput encode(TaskDefinition task, String text, Optional<String> textPair) {
    Template template = task.templateOf(textPair.isPresent());
    OverLengthPolicy policy = task.overLength();
    if (!template.needsPair()) {
      return single(template.render(text, ""), policy);
    }
    String second = textPair.orElse("");
    RowInput u = single(text, policy);
    RowInput v = single(second, policy);
    RowInput both =
        template.equals(Template.PAIR)
            ? pair(text, second)
            : single(template.render(text, second), OverLengthPolicy.TRUNCATE);
    return new RowInput(
        List.of(u.parts().get(0), v.parts().get(0), both.parts().get(0)),
        u.truncated() || v.truncated() || both.truncated(),
        u.empty() || v.empty());
  }

  /** A text of its own. */
  RowInput single(String text, OverLengthPolicy policy) {
    String input = prefix + text;
    boolean whole = policy == OverLengthPolicy.WINDOWS;
    int most = maxTokens - tokenizer.specials();
    int[] pieces = whole ? tokenizer.pieces(input) : tokenizer.pieces(input, most + 1);
    boolean empty = prefix.isEmpty() ? pieces.length == 0 : tokenizer.pieces(text, 1).length == 0;
    if (whole) {
      return new RowInput(
          List.of(Windows.of(tokenizer, pieces, maxTokens)),
          pieces.length > (long) Windows.MAX * most,
          empty);
    }
    boolean truncated = pieces.length > most;
    int[] kept = truncated ? Arrays.copyOf(pieces, most) : pieces;
    return RowInput.of(new TokenSequence(tokenizer.wrap(kept)), truncated, empty);
  }

  /** Both texts in one sequence; the longer one is cut first. */
  private RowInput pair(String text, String second) {
    int most = maxTokens - tokenizer.pairSpecials();
    int[] u = tokenizer.pieces(prefix + text, most + 1);
    int[] v = tokenizer.pieces(second, most + 1);
    int keepU = Math.min(u.length, Math.max(most - v.length, most / 2));
    int keepV = Math.min(v.length, most - keepU);
    boolean truncated = keepU < u.length || keepV < v.length;
    Tokenizer.Pair pair = tokenizer.wrap(Arrays.copyOf(u, keepU), Arrays.copyOf(v, keepV));
    return RowInput.of(new TokenSequence(pair.ids(), pair.secondFrom()), truncated, false);
  }

  @Override
  public Pooling pooling() {
    return pooling;
  }

  @Override
  public float[] vector(RowInput input, float[][] pooled) {
    int first = input.parts().get(0).size();
    float[] u = mean(pooled, 0, first);
    if (input.parts().size() == 1) {
      return u;
    }
    int second = first + input.parts().get(1).size();
    float[] v = mean(pooled, first, second);
    float[] both = mean(pooled, second, pooled.length);
    float[] out = new float[PAIR_BLOCKS * width];
    for (int i = 0; i < width; i++) {
      out[i] = u[i];
      out[width + i] = v[i];
      out[2 * width + i] = Math.abs(u[i] - v[i]);
      out[3 * width + i] = u[i] * v[i];
      out[4 * width + i] = both[i];
    }
    return out;
  }

  /** The cosine between a row's text, or both of its texts, and a label's vector [d]. */
  double similarity(float[] row, float[] label) {
    int from = row.length == width ? 0 : 4 * width;
    double product = 0;
    double ofRow = 0;
    double ofLabel = 0;
    for (int i = 0; i < width; i++) {
      product += (double) row[from + i] * label[i];
      ofRow += (double) row[from + i] * row[from + i];
      ofLabel += (double) label[i] * label[i];
    }
    double lengths = Math.sqrt(ofRow * ofLabel);
    return lengths == 0 ? 0 : product / lengths;
  }

  /** Of several windows, scaled as one would be. */
  private float[] mean(float[][] vectors, int from, int to) {
    float[] mean = Windows.mean(vectors, from, to);
    if (to - from > 1 && pooling.normalized()) {
      double squares = 0;
      for (float value : mean) {
        squares += (double) value * value;
      }
      float scale = squares == 0 ? 0 : (float) (1 / Math.sqrt(squares));
      for (int i = 0; i < mean.length; i++) {
        mean[i] *= scale;
      }
    }
    return mean;
  }

  @Override
  public List<Integer> widths() {
    return List.of(width, PAIR_BLOCKS * width);
  }

  @Override
  public int maxTokens() {
    return maxTokens;
  }
}
