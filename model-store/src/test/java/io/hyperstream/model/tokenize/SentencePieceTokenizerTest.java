package io.hyperstream.model.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.hyperstream.model.task.StarterFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SentencePieceTokenizerTest {
  private static Path model;
  private static SentencePieceTokenizer tokenizer;

  @BeforeAll
  static void open() throws IOException {
    model = StarterFiles.directory().resolve("backbone/spiece.model");
    tokenizer = SentencePieceTokenizer.open(model);
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @Test
  @DisplayName("ids equal those of the training code, sentence by sentence")
  void idsEqualTheReference() throws IOException {
    for (JsonNode sentence : StarterFiles.expected()) {
      assertThat(tokenizer.encode(sentence.get("text").textValue()))
          .as(sentence.get("text").textValue())
          .containsExactly(StarterFiles.ints(sentence.get("inputIds")));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\t\n  ", "\u0001\u0002", "\u200b", "\u00a0"})
  @DisplayName("a text without visible characters is the end token alone")
  void blankTextIsTheEndToken(String text) {
    assertThat(tokenizer.encode(text)).containsExactly(1);
  }

  @Test
  @DisplayName("emoji, other scripts and NUL are unknown pieces, not garbage")
  void unknownSymbols() {
    assertThat(tokenizer.encode("a😀b")).containsExactly(6, 2, 176, 1);
    assertThat(tokenizer.encode("a\0b")).containsExactly(6, 2, 176, 1);
    assertThat(tokenizer.encode("привет world 你好")).containsExactly(17, 2, 381, 17, 2, 1);
  }

  @Test
  @DisplayName("text is normalised: ligatures, tabs and case do not matter")
  void normalisation() {
    assertThat(tokenizer.encode("ﬁ")).isEqualTo(tokenizer.encode("fi"));
    assertThat(tokenizer.encode("A\tB\nC")).isEqualTo(tokenizer.encode("a b c"));
  }

  @Test
  @DisplayName("text that looks like the end token does not end the input")
  void controlSymbolsAreText() {
    int[] ids = tokenizer.encode("good</s><pad>");
    assertThat(Arrays.copyOf(ids, ids.length - 1)).doesNotContain(0, 1);
  }

  @Test
  @DisplayName("an unpaired surrogate reads as U+FFFD, wherever it stands")
  void unpairedSurrogates() {
    String replaced = Texts.replaceUnpairedSurrogates("a\ud83d b\ude00 😀 \ud83d");
    assertThat(replaced).isEqualTo("a\ufffd b\ufffd 😀 \ufffd");
    assertThat(tokenizer.encode("x\ud83dy")).isEqualTo(tokenizer.encode("x\ufffdy"));
    assertThat(tokenizer.encode("\ud83d")).isEqualTo(tokenizer.encode("\ufffd"));
  }

  @Test
  @DisplayName("a long text is cut to the first tokens, and says so")
  void truncation() {
    String text = "hello world ".repeat(100_000);
    int[] all = tokenizer.encode(text.substring(0, 1200));

    Tokenizer.Encoded cut = tokenizer.encode(text, 96);

    assertThat(cut.truncated()).isTrue();
    assertThat(cut.ids()).hasSize(96).endsWith(1);
    assertThat(Arrays.copyOf(cut.ids(), 95)).isEqualTo(Arrays.copyOf(all, 95));
    assertThat(tokenizer.encode("hello world", 96))
        .satisfies(whole -> assertThat(whole.truncated()).isFalse())
        .satisfies(whole -> assertThat(whole.ids()).isEqualTo(tokenizer.encode("hello world")));
  }

  @Test
  @DisplayName("a text of exactly the limit is not cut; one token more is")
  void truncationBoundary() {
    String exact = "hello ".repeat(9).strip();
    int length = tokenizer.encode(exact).length;
    assertThat(tokenizer.encode(exact, length).truncated()).isFalse();
    assertThat(tokenizer.encode(exact, length - 1).truncated()).isTrue();
  }

  @Test
  @DisplayName("a long text without spaces, or of spaces only, has defined ids")
  void longWithoutSpaces() {
    assertThat(tokenizer.encode("x".repeat(200_000), 96).ids()).hasSize(96);
    assertThat(tokenizer.encode(" ".repeat(200_000), 96).ids()).containsExactly(1);
    assertThat(tokenizer.encode("😀".repeat(50_000), 96).ids()).containsExactly(17, 2, 1);
  }

  @Test
  @DisplayName("decoding is encoding's inverse up to normalisation; control tokens are left out")
  void decode() {
    int[] ids = tokenizer.encode("the battery lasts for days and the screen is gorgeous");
    assertThat(tokenizer.decode(ids))
        .isEqualTo("the battery lasts for days and the screen is gorgeous");
    assertThat(tokenizer.decode(new int[] {0, 0, 1})).isEmpty();
    assertThat(tokenizer.decode(new int[] {6, 2, 176})).isEqualTo("a \u2047 b");
    assertThat(tokenizer.decode(new int[] {-1, Integer.MAX_VALUE, 6})).isEqualTo("a");
    assertThat(tokenizer.decode(new int[] {tokenizer.size()})).isEqualTo("<extra_id_99>");
  }

  @Test
  @DisplayName("many threads at once get the same ids")
  void concurrentEncoding() throws Exception {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      texts.add("number " + i + " of the screen 😀 is gorgeous".repeat(i % 7 + 1));
    }
    List<int[]> alone = texts.stream().map(tokenizer::encode).toList();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        results.add(
            threads.submit(
                () -> {
                  boolean same = true;
                  for (int round = 0; round < 20; round++) {
                    for (int i = 0; i < texts.size(); i++) {
                      same &= Arrays.equals(alone.get(i), tokenizer.encode(texts.get(i)));
                    }
                  }
                  return same;
                }));
      }
      for (Future<Boolean> result : results) {
        assertThat(result.get()).isTrue();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  @DisplayName("after close, encoding fails and a second close does nothing")
  void closed() throws IOException {
    SentencePieceTokenizer other = SentencePieceTokenizer.open(model);
    other.close();
    other.close();
    assertThatThrownBy(() -> other.encode("x"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  @DisplayName("a missing or damaged file is named")
  void badFiles(@TempDir Path dir) throws IOException {
    assertThatThrownBy(() -> SentencePieceTokenizer.open(dir.resolve("spiece.model")))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining(dir.resolve("spiece.model").toString());

    byte[] whole = Files.readAllBytes(model);
    Path cut = Files.write(dir.resolve("cut.model"), Arrays.copyOf(whole, whole.length / 3));
    assertThatThrownBy(() -> SentencePieceTokenizer.open(cut))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cut.model");
    Path text = Files.writeString(dir.resolve("text.model"), "{\"not\": \"a tokenizer\"}");
    assertThatThrownBy(() -> SentencePieceTokenizer.open(text))
        .hasMessageContaining("SentencePiece");
    Path empty = Files.write(dir.resolve("empty.model"), new byte[0]);
    assertThatThrownBy(() -> SentencePieceTokenizer.open(empty)).hasMessageContaining("no pieces");
  }
}
