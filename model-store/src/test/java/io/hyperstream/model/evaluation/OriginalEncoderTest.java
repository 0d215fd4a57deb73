package io.hyperstream.model.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtException;
import java.nio.file.Files;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("bge-small as its makers have it")
class OriginalEncoderTest {
  private static final long[] DELAYED = {101, 1996, 3462, 2001, 8394, 2011, 2019, 3178, 102};
  private static final long[] LATE = {101, 2256, 4946, 2187, 8442, 2781, 2397, 102};
  private static final long[] DOUGH = {101, 5587, 2048, 6763, 2000, 1996, 23126, 102};

  @Test
  @DisplayName("runs here, and finds a delayed flight nearer to a late plane than to a dough")
  void runs() throws OrtException {
    assertThat(OriginalEncoder.bgeSmallTokenizer()).exists().matches(Files::isRegularFile);
    long[][] ids = {DELAYED, LATE, DOUGH};
    long[][] types = {new long[9], new long[8], new long[8]};

    float[][][] states;
    float[][][] alone;
    try (OriginalEncoder original = OriginalEncoder.bgeSmall()) {
      states = original.states(ids, types);
      alone = original.states(new long[][] {LATE}, new long[][] {new long[8]});
    }

    assertThat(states[0]).hasNumberOfRows(9);
    assertThat(states[0][0]).hasSize(384);
    assertThat(cosine(states[1][0], alone[0][0]))
        .as("padding changes nothing")
        .isGreaterThan(0.99999);
    double like = cosine(states[0][0], states[1][0]);
    double unlike = cosine(states[0][0], states[2][0]);
    assertThat(like).isBetween(0.8, 1.0);
    assertThat(unlike).isBetween(0.2, like - 0.2);
  }

  private static double cosine(float[] a, float[] b) {
    double product = 0;
    double ofA = 0;
    double ofB = 0;
    for (int i = 0; i < a.length; i++) {
      product += a[i] * b[i];
      ofA += a[i] * a[i];
      ofB += b[i] * b[i];
    }
    return product / Math.sqrt(ofA * ofB);
  }
}
