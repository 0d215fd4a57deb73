package io.hyperstream.model.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.hyperstream.model.inference.Explanation.Effect;
import io.hyperstream.model.inference.Explanation.Variant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("An explanation")
class ExplanationTest {

  private static List<Variant> variants(String text) {
    return Explanation.variants(text, Optional.empty());
  }

  @Test
  @DisplayName("leaves each word out once, and no mark between words")
  void words() {
    assertThat(variants("It's late, sorry!"))
        .extracting(Variant::words, Variant::text)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("It's", " late, sorry!"),
            org.assertj.core.groups.Tuple.tuple("late", "It's , sorry!"),
            org.assertj.core.groups.Tuple.tuple("sorry", "It's late, !"));
    assertThat(variants("late!")).isEmpty(); // nothing would be left
    assertThat(variants("?!")).isEmpty();
  }

  @Test
  @DisplayName("takes words of both texts of a pair, and never empties one")
  void pair() {
    List<Variant> variants = Explanation.variants("good food", Optional.of("bad"));
    assertThat(variants).extracting(Variant::words).containsExactly("good", "food");
    assertThat(variants).extracting(Variant::textPair).containsOnly(Optional.of("bad"));
    assertThat(Explanation.variants("good", Optional.of("bad food")))
        .extracting(Variant::text, v -> v.textPair().orElseThrow())
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("good", " food"),
            org.assertj.core.groups.Tuple.tuple("good", "bad "));
  }

  @Test
  @DisplayName("has a bounded number of parts, each word of the text in one of them")
  void bounded() {
    for (int words : new int[] {2, 31, 32, 33, 64, 65, 1000}) {
      String text =
          IntStream.range(0, words).mapToObj(i -> "w" + i).collect(Collectors.joining(" "));
      for (Optional<String> pair : List.of(Optional.<String>empty(), Optional.of("x y z"))) {
        List<Variant> variants = Explanation.variants(text, pair);
        assertThat(variants).hasSizeLessThanOrEqualTo(Explanation.MAX_PARTS);
        int left =
            variants.stream()
                .mapToInt(
                    v ->
                        words
                            + 3
                            - v.text().split("w").length
                            + 1
                            - v.textPair().map(p -> p.strip().split(" +").length).orElse(3))
                .sum();
        assertThat(left)
            .as("%d words, %s", words, pair)
            .isEqualTo(words + (pair.isEmpty() ? 0 : 3));
        assertThat(variants).allMatch(v -> v.words().length() <= 100);
      }
    }
  }

  @Test
  @DisplayName("says by how much the best label falls, strongest first")
  void effects() {
    List<Variant> variants = variants("not so good");
    List<Effect> effects =
        Explanation.effects(
            List.of(0.25f, 0.75f),
            variants,
            List.of(
                Optional.of(List.of(0.125f, 0.875f)),
                Optional.empty(), // refused
                Optional.of(List.of(0.5f, 0.5f))));
    assertThat(effects).extracting(Effect::words).containsExactly("good", "not");
    assertThat(effects.get(0).effect()).isCloseTo(0.25, within(1e-9));
    assertThat(effects.get(1).effect()).isCloseTo(-0.125, within(1e-9));
  }
}
