package io.hyperstream.model.readout;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.model.backbone.TokenSequence;
import io.hyperstream.model.task.OverLengthPolicy;
import io.hyperstream.model.task.StarterFiles;
import io.hyperstream.model.tokenize.SentencePieceTokenizer;
import io.hyperstream.model.tokenize.Tokenizer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A long text")
class WindowsTest {
  private static final int MAX_TOKENS = 9; // eight pieces and the end

  @Test
  @DisplayName("is read in windows up to a limit, and said to be cut beyond it")
  void limit() throws Exception {
    try (Tokenizer tokenizer =
        SentencePieceTokenizer.open(StarterFiles.directory().resolve("backbone/spiece.model"))) {
      int most = Windows.MAX * (MAX_TOKENS - tokenizer.specials());
      String text = "the ".repeat(most).strip();
      assertThat(tokenizer.pieces(text)).hasSize(most);

      RowInput whole = Windows.read(tokenizer, text, OverLengthPolicy.WINDOWS, MAX_TOKENS);
      RowInput beyond =
          Windows.read(tokenizer, text + " the", OverLengthPolicy.WINDOWS, MAX_TOKENS);
      RowInput cut = Windows.read(tokenizer, text, OverLengthPolicy.TRUNCATE, MAX_TOKENS);

      assertThat(whole.sequences()).hasSize(Windows.MAX);
      assertThat(whole.sequences()).allMatch(window -> window.length() == MAX_TOKENS);
      assertThat(whole.truncated()).isFalse();
      assertThat(beyond.sequences()).hasSize(Windows.MAX);
      assertThat(beyond.truncated()).isTrue();
      assertThat(cut.sequences()).extracting(TokenSequence::length).containsExactly(MAX_TOKENS);
      assertThat(cut.truncated()).isTrue();
    }
  }
}
