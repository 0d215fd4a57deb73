package io.hyperstream.model.bert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.hyperstream.model.tokenize.JsonTokenizer;
import io.hyperstream.model.tokenize.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("bge-small's tokenizer")
class BgeTokenizerTest {
  private static JsonTokenizer tokenizer;
  private static HuggingFaceTokenizer library;

  @BeforeAll
  static void open() throws IOException {
    Path file = BgeSmall.backbone().resolve("tokenizer.json");
    tokenizer = JsonTokenizer.open(file);
    library =
        HuggingFaceTokenizer.builder()
            .optTokenizerPath(file)
            .optTruncation(false)
            .optPadding(false)
            .build();
  }

  @AfterAll
  static void close() {
    tokenizer.close();
    library.close();
  }

  private static List<String> texts() {
    return TrickyTexts.all().stream()
        .filter(text -> !text.contains("[SEP]"))
        .filter(text -> text.chars().noneMatch(c -> Character.isSurrogate((char) c)))
        .toList();
  }

  private static int[] ints(long[] values) {
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }

  @Test
  @DisplayName("gives the ids that Hugging Face's own library gives, special tokens included")
  void ids() {
    assertThat(texts()).hasSizeGreaterThan(80);
    for (String text : texts()) {
      Encoding expected = library.encode(text, true, false);
      assertThat(tokenizer.encode(text)).as(text).isEqualTo(ints(expected.getIds()));
    }
  }

  @Test
  @DisplayName("puts two texts together as the library does, and says where the second begins")
  void pairs() {
    List<String> texts = texts();
    for (int i = 0; i + 1 < texts.size(); i += 7) {
      Encoding expected = library.encode(texts.get(i), texts.get(i + 1), true, false);
      Tokenizer.Pair pair =
          tokenizer.wrap(tokenizer.pieces(texts.get(i)), tokenizer.pieces(texts.get(i + 1)));
      assertThat(pair.ids()).isEqualTo(ints(expected.getIds()));
      long ofFirst = Arrays.stream(expected.getTypeIds()).filter(type -> type == 0).count();
      assertThat(pair.secondFrom()).isEqualTo((int) ofFirst);
    }
  }

  @Test
  @DisplayName("known sentences have the ids of bert-base-uncased")
  void known() {
    assertThat(tokenizer.encode("Hello, world!")).containsExactly(101, 7592, 1010, 2088, 999, 102);
    assertThat(tokenizer.encode("")).containsExactly(101, 102).hasSize(tokenizer.specials());
    assertThat(tokenizer.size()).isEqualTo(30_522);
  }

  @Test
  @DisplayName("text that looks like a special token is ordinary text")
  void injected() {
    int[] ids = tokenizer.encode("good [SEP] bad [CLS] [PAD] [MASK]");
    assertThat(ids).startsWith(101).endsWith(102);
    assertThat(Arrays.stream(ids, 1, ids.length - 1))
        .doesNotContain(0, 101, 102, 103)
        .contains(1031); // [
  }

  @Test
  @DisplayName(
      "cuts to a limit, reads of a long text what decides its first tokens, and fails closed")
  void limits() throws IOException {
    Tokenizer.Encoded cut = tokenizer.encode("word ".repeat(100_000), 512);
    assertThat(cut.ids()).hasSize(512).endsWith(102);
    assertThat(cut.truncated()).isTrue();
    assertThat(tokenizer.encode("one two", 4).truncated()).isFalse();
    assertThatThrownBy(() -> tokenizer.encode("a", 2)).hasMessageContaining("a token beside 2");

    JsonTokenizer other = JsonTokenizer.open(BgeSmall.backbone().resolve("tokenizer.json"));
    other.close();
    other.close();
    assertThatThrownBy(() -> other.pieces("a")).hasMessageContaining("closed");
  }

  @Test
  @DisplayName("rare words tell more than common ones, special tokens nothing")
  void information() {
    double the = tokenizer.information(1996);
    double rare = tokenizer.information(25_000);
    assertThat(the).isBetween(3.6, 3.61);
    assertThat(rare).isEqualTo(12);
    assertThat(tokenizer.information(999)).isEqualTo(3);
    assertThat(tokenizer.information(101)).isZero();
    assertThat(tokenizer.information(-1)).isZero();
  }
}
