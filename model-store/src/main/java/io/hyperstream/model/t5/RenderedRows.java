package io.hyperstream.model.t5;

import io.hyperstream.model.backbone.Encoded;
import io.hyperstream.model.backbone.Pooling;
import io.hyperstream.model.readout.RowEncoder;
import io.hyperstream.model.readout.RowInput;
import io.hyperstream.model.readout.Windows;
import io.hyperstream.model.task.TaskDefinition;
import io.hyperstream.model.task.Template;
import io.hyperstream.model.tokenize.Tokenizer;
import java.util.List;
import java.util.Optional;

/** T5 reads one text: the task's template with its texts filled in. */
final class RenderedRows implements RowEncoder {
  private final Tokenizer tokenizer;
  private final int width;
  private final int maxTokens;

  RenderedRows(Tokenizer tokenizer, int width, int maxTokens) {
    this.tokenizer = tokenizer;
    this.width = width;
    this.maxTokens = maxTokens;
  }

  @Override
  public RowInput encode(TaskDefinition task, String text, Optional<String> textPair) {
    Template template = task.templateOf(textPair.isPresent());
    String input = template.render(text, textPair.orElse(""));
    return Windows.read(tokenizer, input, task.overLength(), maxTokens);
  }

  @Override
  public float[][] pool(Encoded encoded) {
    return encoded.vectors(Pooling.MEAN);
  }

  @Override
  public float[] vector(RowInput input, float[][] pooled) {
    return Windows.mean(pooled, 0, pooled.length);
  }

  @Override
  public float[] features(float[] vector) {
    return vector;
  }

  @Override
  public float[] embedding(float[] vector) {
    double squares = 0;
    for (float value : vector) {
      squares += (double) value * value;
    }
    float[] out = vector.clone();
    for (int i = 0; squares > 0 && i < out.length; i++) {
      out[i] /= (float) Math.sqrt(squares);
    }
    return out;
  }

  @Override
  public List<Integer> widths() {
    return List.of(width);
  }

  @Override
  public String settings() {
    return "mean 1, at most " + maxTokens;
  }

  @Override
  public int maxTokens() {
    return maxTokens;
  }
}
