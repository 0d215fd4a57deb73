package io.hyperstream.model.bert;

import ai.djl.ndarray.NDArray;
import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.Pooling;
import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.readout.RowEncoder;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.readout.Windows;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.Template;
import io.hyperstream.model.tensor.Ops;
import io.hyperstream.model.tokenize.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What an encoder reads. One text: the task's template with the text filled in. Two texts: each
 * alone, and both in one sequence, so that words of one attend to those of the other.
 *
 * <p>Of a sequence three vectors of length 1 are kept: p, pooled as the model was trained for; the
 * mean over the last layer; and m, the mean over the middle layer. A text's vector is [p, m]. A
 * pair's is [|p1 - p2|, three cosines between the texts, p of both in one sequence]; the last part
 * is what labels are compared with.
 */
final class SentenceRows implements RowEncoder {
  /** What a cosine counts beside the numbers of a vector. */
  private static final float COSINE_SCALE = 0.5f;

  private static final int KEPT = 3;

  /**
   * To be raised with every change of what a vector consists of: vectors are kept with examples.
   */
  private static final int LAYOUT = 1;

  private static final Pooling MEAN = new Pooling(Pooling.Kind.MEAN, true);

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
    RowInput input = Windows.read(tokenizer, prefix + text, policy, maxTokens);
    return prefix.isEmpty()
        ? input
        : new RowInput(input.parts(), input.truncated(), tokenizer.pieces(text, 1).length == 0);
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

  /** How the model was trained to make one vector of a sequence. */
  Pooling pooling() {
    return pooling;
  }

  /** [B][3 d]. */
  @Override
  public float[][] pool(Encoded encoded) {
    NDArray primary = encoded.pooled(new Pooling(pooling.kind(), true)); // [B, d]
    NDArray middle = encoded.half().orElseThrow().pooled(MEAN); // [B, d]
    return Encoded.rows(Ops.concat(List.of(primary, encoded.pooled(MEAN), middle), 1));
  }

  @Override
  public float[] vector(RowInput input, float[][] pooled) {
    int first = input.parts().get(0).size();
    float[] u = mean(pooled, 0, first);
    if (input.parts().size() == 1) {
      float[] out = Arrays.copyOf(u, 2 * width);
      System.arraycopy(u, 2 * width, out, width, width);
      return out;
    }
    int second = first + input.parts().get(1).size();
    float[] v = mean(pooled, first, second);
    float[] both = mean(pooled, second, pooled.length);
    float[] out = new float[2 * width + KEPT];
    for (int i = 0; i < width; i++) {
      out[i] = Math.abs(u[i] - v[i]);
      out[width + KEPT + i] = both[i];
    }
    for (int kept = 0; kept < KEPT; kept++) {
      out[width + kept] = COSINE_SCALE * (float) dot(u, kept * width, v, kept * width);
    }
    return out;
  }

  private double dot(float[] a, int fromA, float[] b, int fromB) {
    double sum = 0;
    for (int i = 0; i < width; i++) {
      sum += (double) a[fromA + i] * b[fromB + i];
    }
    return sum;
  }

  /** Of several windows: each kept vector's mean, scaled to length 1. */
  private float[] mean(float[][] vectors, int from, int to) {
    float[] mean = Windows.mean(vectors, from, to).clone();
    for (int kept = 0; to - from > 1 && kept < KEPT; kept++) {
      double length = Math.sqrt(dot(mean, kept * width, mean, kept * width));
      for (int i = kept * width; length > 0 && i < (kept + 1) * width; i++) {
        mean[i] /= (float) length;
      }
    }
    return mean;
  }

  @Override
  public float[] features(float[] vector) {
    return isPair(vector) ? Arrays.copyOf(vector, width + KEPT) : vector;
  }

  @Override
  public float[] embedding(float[] vector) {
    return Arrays.copyOf(vector, width);
  }

  @Override
  public List<Integer> widths() {
    return List.of(2 * width, width + KEPT);
  }

  boolean isPair(float[] vector) {
    return vector.length == 2 * width + KEPT;
  }

  /** The cosine between a row and a label's vector [d] of length 1. */
  double similarity(float[] vector, float[] label) {
    return dot(vector, isPair(vector) ? width + KEPT : 0, label, 0);
  }

  @Override
  public String settings() {
    return "two layers %d, %s, prefix '%s', at most %d"
        .formatted(LAYOUT, pooling.kind(), prefix, maxTokens);
  }

  @Override
  public int maxTokens() {
    return maxTokens;
  }
}
