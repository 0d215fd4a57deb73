package io.hyperstream.model.prototype;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.model.task.Label;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Label vectors over states and words side by side")
class JointHeadTest {
  private static final int STATES = 4;
  private static final List<String> KEPT = List.of("first", "mean", "middle");

  private static List<JsonNode> tasks() throws IOException {
    List<JsonNode> tasks = new ArrayList<>();
    new ObjectMapper()
        .readTree(JointHeadTest.class.getResourceAsStream("/few-shot/joint-head.json"))
        .path("tasks")
        .forEach(tasks::add);
    return tasks;
  }

  private static float[][] floats(JsonNode rows) {
    float[][] out = new float[rows.size()][];
    for (int i = 0; i < out.length; i++) {
      out[i] = new float[rows.get(i).size()];
      for (int j = 0; j < out[i].length; j++) {
        out[i][j] = (float) rows.get(i).get(j).asDouble();
      }
    }
    return out;
  }

  /** As an encoder's rows have them: the training rows, then the test rows. */
  private static float[][] features(JsonNode task) {
    if (!task.path("pair").asBoolean()) {
      float[][] first = floats(task.path("first"));
      float[][] middle = floats(task.path("middle"));
      float[][] out = new float[first.length][];
      for (int i = 0; i < out.length; i++) {
        out[i] = joined(unit(first[i]), unit(middle[i]));
      }
      return out;
    }
    float[][] overlaps = floats(task.path("overlaps"));
    float[][] out = new float[overlaps.length][];
    for (int i = 0; i < out.length; i++) {
      float[] numbers = new float[STATES + 7];
      for (int kept = 0; kept < 3; kept++) {
        float[] a = unit(floats(task.path("a").path(KEPT.get(kept)))[i]);
        float[] b = unit(floats(task.path("b").path(KEPT.get(kept)))[i]);
        for (int j = 0; j < STATES; j++) {
          numbers[STATES + 4 + kept] += a[j] * b[j] / 2;
          numbers[j] = kept == 0 ? Math.abs(a[j] - b[j]) : numbers[j];
        }
      }
      for (int j = 0; j < 4; j++) {
        numbers[STATES + j] = 0.5f * overlaps[i][j];
      }
      out[i] = numbers;
    }
    return out;
  }

  private static float[] unit(float[] v) {
    double squares = 0;
    for (float value : v) {
      squares += (double) value * value;
    }
    float[] out = new float[v.length];
    for (int i = 0; i < v.length; i++) {
      out[i] = (float) (v[i] / Math.sqrt(squares));
    }
    return out;
  }

  private static float[] joined(float[] a, float[] b) {
    float[] out = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, out, a.length, b.length);
    return out;
  }

  private static LexicalVector[] words(JsonNode task) {
    LexicalVector[] out = new LexicalVector[features(task).length];
    Arrays.fill(out, LexicalVector.NONE);
    for (int i = 0; task.path("lexical").isArray() && i < task.path("lexical").size(); i++) {
      JsonNode row = task.path("lexical").get(i);
      int[] places =
          IntStream.range(0, row.size()).filter(p -> row.get(p).asDouble() != 0).toArray();
      double scale = LexicalFeatures.Form.BESIDE_STATES.textScale();
      double[] values =
          IntStream.of(places).mapToDouble(p -> scale * row.get(p).asDouble()).toArray();
      out[i] = new LexicalVector(places, values);
    }
    return out;
  }

  @Test
  @DisplayName("the fit equals an independent solver's, rows never seen included")
  void parity() throws IOException {
    assertThat(tasks()).hasSize(4);
    for (JsonNode task : tasks()) {
      int[] y =
          IntStream.range(0, task.path("y").size())
              .map(i -> task.path("y").get(i).asInt())
              .toArray();
      float[][] features = features(task);
      LexicalVector[] words = words(task);
      int[] rows = IntStream.range(0, y.length).toArray();
      int labels = task.path("labels").asInt();
      JointHead head = JointHead.fit(features, words, y, rows, labels, 1e-13);
      double[] balanced = Prototypes.balanced(y, labels);
      for (int i = 0; i < y.length; i++) {
        assertThat(balanced[i])
            .isCloseTo(task.path("expected").path("balanced").get(i).asDouble(), within(1e-9));
      }
      JsonNode expected = task.path("expected").path("headLogits");
      for (int i = 0; i < expected.size(); i++) {
        double[] logits = head.logits(features[y.length + i], words[y.length + i])[0];
        for (int l = 0; l < labels; l++) {
          assertThat(logits[l])
              .as("%s, row %d, label %d", task.path("name").asText(), i, l)
              .isCloseTo(expected.get(i).get(l).asDouble(), within(5e-3));
        }
      }
    }
  }

  @Test
  @DisplayName("what is published answers as the fit does, whatever is rounded on the way")
  void published() throws IOException {
    JsonNode task = tasks().get(0);
    int[] y =
        IntStream.range(0, task.path("y").size()).map(i -> task.path("y").get(i).asInt()).toArray();
    float[][] features = features(task);
    LexicalVector[] words = words(task);
    JointHead fitted = JointHead.fit(features, words, y, IntStream.range(0, y.length).toArray(), 3);
    LabelHead head =
        fitted.labelHead(List.of("a", "b", "c"), new double[] {0.5, 2}, Optional.empty());
    assertThat(head.unitStates()).isFalse();
    assertThat(head.center()).hasSize(2 * STATES);
    List<Label> labels = List.of(Label.of("a"), Label.of("b"), Label.of("c"));
    double[] zeroShot = {1, -1, 3};
    for (int i = 0; i < features.length; i++) {
      double[] served = head.scores(labels, zeroShot, features[i], words[i]).logits();
      double[] expected = fitted.logits(features[i], words[i])[0];
      for (int l = 1; l < 3; l++) {
        double difference = 2 * (expected[l] - expected[0]) + 0.5 * (zeroShot[l] - zeroShot[0]);
        assertThat(served[l] - served[0]).isCloseTo(difference, within(0.25));
      }
    }
  }
}
