package io.hyperstream.model.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.t5.LabelSpace;
import io.hyperstream.model.task.StarterFiles;
import io.hyperstream.model.task.Template;
import io.hyperstream.testing.Mutations;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

@Label("Texts, labels and templates from anyone")
class TextFuzzTest {
  private static SentencePieceTokenizer tokenizer;
  private static byte[] model;

  @BeforeContainer
  static void open() throws IOException {
    var file = StarterFiles.directory().resolve("backbone/spiece.model");
    tokenizer = SentencePieceTokenizer.open(file);
    model = Files.readAllBytes(file);
  }

  @AfterContainer
  static void close() {
    tokenizer.close();
  }

  @Property(seed = "1")
  @Label("any text has ids of the vocabulary, the same each time, that end as they should")
  void anyText(@ForAll String text) {
    int[] ids = tokenizer.encode(text);
    assertThat(ids).isEqualTo(tokenizer.encode(text));
    assertThat(ids[ids.length - 1]).isEqualTo(tokenizer.endId());
    for (int i = 0; i < ids.length - 1; i++) {
      assertThat(ids[i]).isBetween(0, tokenizer.size() - 1).isNotEqualTo(tokenizer.endId());
    }
    assertThat(tokenizer.decode(ids)).isNotNull();
  }

  @Property(seed = "1")
  @Label("a cut text has the first of its ids")
  void cut(@ForAll String text, @ForAll @IntRange(min = 2, max = 40) int most) {
    int[] all = tokenizer.encode(text);
    Tokenizer.Encoded some = tokenizer.encode(text, most);
    assertThat(some.ids()).hasSizeLessThanOrEqualTo(most);
    assertThat(some.truncated()).isEqualTo(all.length > most);
    int kept = some.ids().length - 1;
    assertThat(Arrays.copyOf(some.ids(), kept)).isEqualTo(Arrays.copyOf(all, kept));
  }

  @Property(seed = "1")
  @Label("any ids have a text")
  void anyIds(@ForAll int[] ids) {
    assertThat(tokenizer.decode(ids)).isNotNull();
  }

  @Property(seed = "1", tries = 50)
  @Label("a damaged SentencePiece file is read or refused")
  void vocabulary(@ForAll long seed) {
    byte[] some = Arrays.copyOf(model, new Random(seed).nextInt(4096));
    try {
      assertThat(SentencePieceVocabulary.parse(Mutations.of(List.of(some), seed)).size())
          .isPositive();
    } catch (IllegalArgumentException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  @Property(seed = "1")
  @Label("a template puts texts in as they are, whatever they look like")
  void templates(@ForAll String text, @ForAll String pair) {
    for (String hostile : List.of(text, "{text}", "{textPair}" + text, "$1 ${x} %s \\" + pair)) {
      assertThat(new Template("a {text} b {textPair} c").render(hostile, pair))
          .isEqualTo("a " + hostile + " b " + pair + " c");
    }
  }

  @Property(seed = "1")
  @Label("a pattern is taken or refused, and makes at most so much of a text")
  void patterns(@ForAll long seed) {
    byte[] bytes =
        Mutations.of(Mutations.utf8("x {text} y {textPair}", "{text}{text}{textPair}"), seed);
    String pattern = new String(bytes, StandardCharsets.UTF_8);
    try {
      int length = new Template(pattern).render("t".repeat(1000), "p".repeat(1000)).length();
      assertThat(length).isLessThanOrEqualTo(pattern.length() + 1000 * Template.MAX_PLACE_HOLDERS);
    } catch (IllegalArgumentException e) {
      assertThat(e.getMessage()).contains("template");
    }
  }

  @Example
  @Label("a pattern cannot multiply a text without limit")
  void amplification() {
    assertThat(new Template("{text}".repeat(8)).render("ab", "")).hasSize(16);
    assertThatThrownBy(() -> new Template("{text}".repeat(600)))
        .hasMessageContaining("at most 8 place holders");
  }

  @Property(seed = "1")
  @Label("labels are a label space or refused")
  void labels(@ForAll List<String> names) {
    try {
      List<io.hyperstream.model.task.Label> labels =
          names.stream().map(io.hyperstream.model.task.Label::of).toList();
      assertThat(LabelSpace.of(labels, tokenizer, 0)).isNotNull();
    } catch (IllegalArgumentException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }
}
