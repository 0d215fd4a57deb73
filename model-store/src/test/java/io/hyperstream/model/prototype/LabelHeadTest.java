package io.hyperstream.model.prototype;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.hyperstream.model.prototype.LabelHead.LabelVectors;
import io.hyperstream.model.task.Label;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Label vectors and their mixture")
class LabelHeadTest {
  private static final LexicalVector WORDS =
      new LexicalVector(new int[] {3, 9}, new double[] {1, 2});
  private static final float[] STATE = {3, 4};

  private static LabelVectors vectors(String label, float bias) {
    return new LabelVectors(label, new float[] {1, 0}, bias, new int[] {9}, new float[] {0.5f}, 0);
  }

  private static LabelHead head(LabelVectors... vectors) {
    return new LabelHead(new float[2], List.of(vectors), true, 2, 10, 100, Optional.empty());
  }

  private static double[] logits(LabelHead head, double[] decoder, String... labels) {
    return head.scores(Stream.of(labels).map(Label::of).toList(), decoder, STATE, WORDS).logits();
  }

  @Test
  @DisplayName("three scorers are added by their weights, labels known by name")
  void mixture() {
    LabelHead head = head(vectors("a", 0), vectors("b", 1));
    // States: (0.6, 0.8) . (1, 0) + bias; words: 2 * 0.5.
    assertThat(logits(head, new double[] {-1, -2}, "b", "a"))
        .containsExactly(new double[] {-2 + 16 + 100, -4 + 6 + 100}, within(1e-5));
  }

  @Test
  @DisplayName(
      "a label that came later is neither preferred nor excluded, one that went is not used")
  void otherLabels() {
    LabelHead head = head(vectors("a", 0), vectors("b", 1), vectors("gone", 100));
    double[] z = logits(head, new double[3], "a", "new", "b");
    assertThat(z[1]).isCloseTo((z[0] + z[2]) / 2, within(1e-9));
    assertThat(logits(head, new double[] {-1, -3}, "x", "y")).containsExactly(-2, -6);
  }

  @Test
  @DisplayName("many labels and words give what the sums written out give")
  void writtenOut() {
    Random random = new Random(1);
    int width = 30;
    List<LabelVectors> vectors = new ArrayList<>();
    for (int l = 0; l < 23; l++) {
      int[] places = random.ints(200, 0, 500).distinct().sorted().toArray();
      float[] words = floats(random, places.length);
      vectors.add(
          new LabelVectors("label" + l, floats(random, width), 0.25f * l, places, words, 1));
    }
    LabelHead head =
        new LabelHead(floats(random, width), vectors, true, 0.5, 2, 3, Optional.empty());
    List<Label> labels =
        IntStream.range(0, 23).mapToObj(l -> Label.of("label" + (22 - l))).toList();
    for (int row = 0; row < 5; row++) {
      double[] decoder = random.doubles(23, -9, 0).toArray();
      float[] pooled = floats(random, width);
      int[] places = random.ints(60, 0, 600).distinct().sorted().toArray();
      LexicalVector words = new LexicalVector(places, random.doubles(places.length).toArray());
      double[] state = Prototypes.centred(pooled, head.center());
      double[] dense = words.dense();
      double[] expected = new double[23];
      for (int l = 0; l < 23; l++) {
        LabelVectors label = vectors.get(22 - l);
        double states = label.stateBias();
        for (int j = 0; j < width; j++) {
          states += label.states()[j] * state[j];
        }
        double lexical = label.wordBias();
        for (int i = 0; i < label.places().length; i++) {
          lexical += label.words()[i] * dense[label.places()[i]];
        }
        expected[l] = 0.5 * decoder[l] + 2 * states + 3 * lexical;
      }
      assertThat(head.scores(labels, decoder, pooled, words).logits())
          .containsExactly(expected, within(1e-12));
    }
  }

  @Test
  @DisplayName("a text less like the task than its examples were is out of scope")
  void outOfScope() {
    float[] center = {1, 1};
    LabelVectors[] vectors = {vectors("a", 0), vectors("b", -1)};
    Scope scope = Scope.of(new double[] {20, 21, 22}).orElseThrow();
    assertThat(scope.mean()).isEqualTo(21);
    assertThat(scope.deviation()).isCloseTo(Math.sqrt(6 / 7.0), within(1e-12));
    LabelHead head = new LabelHead(center, List.of(vectors), false, 0, 1, 1, Optional.of(scope));

    // The nearest label's logit, and 20 times the cosine to the examples' mean.
    assertThat(outside(head, "a", 2, 2)).isCloseTo(0.5, within(1e-9)); // 1 + 20
    assertThat(outside(head, "a", 2, -2)).isGreaterThan(0.999); // 1 + 0
    assertThat(outside(head, "a", 3, 3)).isLessThan(0.2); // 2 + 20
    assertThat(outside(head, "b", 3, 3)).isCloseTo(0.5, within(1e-9)); // a label that is gone
    assertThat(outside(head, "a", 0, 0)).isNaN();
    assertThat(outside(head, "new", 2, 2)).isNaN();
    assertThat(outside(head(vectors), "a", 2, 2)).isNaN();
    assertThat(Scope.of(new double[0])).isEmpty();
    assertThat(Scope.of(new double[] {1, Double.NaN})).isEmpty();
    assertThatThrownBy(() -> new Scope(0, 0)).hasMessageContaining("a deviation above 0");
  }

  private static double outside(LabelHead head, String label, float... state) {
    return head.scores(List.of(Label.of(label)), new double[1], state, WORDS)
        .outOfScope()
        .orElse(Double.NaN);
  }

  private static float[] floats(Random random, int count) {
    float[] out = new float[count];
    for (int i = 0; i < count; i++) {
      out[i] = (float) random.nextGaussian();
    }
    return out;
  }

  @Test
  @DisplayName("a label the decoder's beam cut off counts as the least likely of the others")
  void cutOff() {
    LabelHead head = head(vectors("a", 0), vectors("b", 0), vectors("c", 0));
    double[] z = logits(head, new double[] {-1, Double.NEGATIVE_INFINITY, -5}, "a", "b", "c");
    assertThat(z[1]).isEqualTo(z[2]).isLessThan(z[0]);
  }

  @Test
  @DisplayName("numbers are rounded to half precision when it is made, and again changes nothing")
  void rounded() {
    LabelVectors label =
        new LabelVectors("a", new float[] {0.1f, 1e-9f}, 0.3f, new int[0], new float[0], 0);
    assertThat(label.states()).containsExactly(0.099975586f, 0);
    assertThat(label.stateBias()).isEqualTo(0.30004883f);
    float[] values = {0, -0f, 1, -2.5f, 65504, 0x1p-14f, 0x1p-24f, 6e-6f, 0.1f, 2049, 2051};
    float[] once = HalfFloats.decode(ByteBuffer.wrap(HalfFloats.encode(values)));
    assertThat(once).startsWith(0, -0f, 1, -2.5f, 65504, 0x1p-14f, 0x1p-24f);
    assertThat(once).endsWith(2048, 2052); // ties to even
    for (int i = 0; i < values.length; i++) {
      assertThat(once[i]).isCloseTo(values[i], within(Math.abs(values[i]) / 2048 + 0x1p-25f));
      assertThat(HalfFloats.round(once[i])).isEqualTo(once[i]);
    }
    assertThat(HalfFloats.round(65520)).isInfinite();
    assertThat(HalfFloats.round(Float.NaN)).isNaN();
  }

  @Test
  @DisplayName("every half is read as what it is, and written back as the same bits")
  void allHalves() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = HalfFloats.toFloat((short) bits);
      if (!Float.isNaN(value)) {
        assertThat(HalfFloats.toHalf(value)).isEqualTo((short) bits);
      }
    }
  }

  @Test
  @DisplayName("what does not fit together is refused by name")
  void refused() {
    assertThatThrownBy(() -> vectors("a", Float.NaN))
        .hasMessageContaining("the state bias of label 'a'")
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> vectors("a", 70000)).hasMessageContaining("70000");
    assertThatThrownBy(() -> head(vectors("a", 0), vectors("a", 0)))
        .hasMessageContaining("'a' has vectors twice");
    assertThatThrownBy(LabelHeadTest::head).hasMessageContaining("at least one label");
    assertThatThrownBy(
            () ->
                new LabelHead(
                    new float[3], List.of(vectors("a", 0)), true, 1, 1, 1, Optional.empty()))
        .hasMessageContaining("2 numbers over states; the center has 3");
    assertThatThrownBy(
            () ->
                new LabelHead(
                    new float[2],
                    List.of(vectors("a", 0)),
                    true,
                    1,
                    Double.NaN,
                    1,
                    Optional.empty()))
        .hasMessageContaining("the weight of states is NaN");
    for (int[] places :
        List.of(new int[] {2, 2}, new int[] {-1, 0}, new int[] {0, LexicalVector.WIDTH})) {
      assertThatThrownBy(
              () -> new LabelVectors("a", new float[2], 0, places, new float[places.length], 0))
          .hasMessageContaining("must ascend within 0 to 16387");
    }
    assertThatThrownBy(() -> new LabelVectors("a", new float[2], 0, new int[1], new float[2], 0))
        .hasMessageContaining("1 word places and 2 word weights");
    assertThatThrownBy(() -> HalfFloats.decode(ByteBuffer.allocate(3)))
        .hasMessageContaining("got 3 bytes");
  }

  @Test
  @DisplayName("what was fitted answers as the fit does, without words that weigh next to nothing")
  void ofFit() {
    float[][] states = {{1, 0}, {0, 1}, {1, 1}, {-1, 0}};
    LexicalVector[] features = new LexicalVector[4];
    Arrays.setAll(
        features, i -> new LexicalVector(new int[] {i % 2, 100 + i}, new double[] {1, 1e-4}));
    int[] y = {0, 2, 0, 2};
    Prototypes fitted = Prototypes.fit(states, features, y, new int[] {0, 1, 2, 3}, 3);
    List<String> names = List.of("a", "b", "c");
    LabelHead head = fitted.labelHead(names, new double[] {0, 1, 1}, Optional.empty());
    assertThat(head.vectors().stream().map(LabelVectors::label)).containsExactly("a", "c");
    // Only differences between labels count: one of two needs weights.
    assertThat(head.vectors().stream().flatMapToInt(v -> IntStream.of(v.places())).toArray())
        .containsExactlyInAnyOrder(0, 1);
    List<Label> labels = names.stream().map(Label::of).toList();
    for (int i = 0; i < 4; i++) {
      double[] expected = fitted.logits(states[i], features[i])[0];
      double[] words = fitted.logits(states[i], features[i])[1];
      Arrays.setAll(expected, l -> expected[l] + words[l]);
      double[] z = head.scores(labels, new double[3], states[i], features[i]).logits();
      assertThat(z[0] - z[2]).isCloseTo(expected[0] - expected[2], within(1e-2));
      assertThat(z[1]).isCloseTo((z[0] + z[2]) / 2, within(1e-9));
    }
  }

  @Test
  @DisplayName("a head is at the minimum of its objective")
  void minimum() {
    // One feature, two labels, by symmetry w = +-v: minimise 2 log(1 + exp(-2 v)) + r v^2.
    double ridge = 0.5;
    LinearHead head =
        LinearHead.fit(
            new double[][] {{1}, {-1}},
            nothing(2),
            0,
            new int[] {0, 1},
            new double[] {1, 1},
            2,
            new LinearHead.Settings(ridge, 1e-7));
    double[] z = head.logits(new double[] {1}, LexicalVector.NONE);
    double v = (z[0] - z[1]) / 2;
    double slope = -4 / (1 + Math.exp(2 * v)) + 2 * ridge * v;
    assertThat(slope).isCloseTo(0, within(1e-2));
  }

  @Test
  @DisplayName("a label without examples is neither preferred nor excluded")
  void unseenLabel() {
    LinearHead head =
        LinearHead.fit(
            new double[][] {{1, 0}, {0, 1}},
            nothing(2),
            0,
            new int[] {0, 2},
            new double[] {1, 1},
            3,
            new LinearHead.Settings(0.1, 1e-7));
    double[] z = head.logits(new double[] {1, 0}, LexicalVector.NONE);
    assertThat(z[0]).isGreaterThan(z[1]);
    assertThat(z[1]).isGreaterThan(z[2]);
  }

  @Test
  @DisplayName("rare labels count more, all rows together as many as they are")
  void balanced() {
    double[] counts = Prototypes.balanced(new int[] {0, 0, 0, 0, 1}, 2);
    assertThat(Arrays.stream(counts).sum()).isCloseTo(5, within(1e-9));
    assertThat(counts[4]).isCloseTo(2 * counts[0], within(1e-9));
  }

  private static LexicalVector[] nothing(int rows) {
    LexicalVector[] out = new LexicalVector[rows];
    Arrays.fill(out, LexicalVector.NONE);
    return out;
  }
}
