package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.cli.DemoResults.Answer;
import io.hyperstream.app.cli.DemoResults.Phase;
import io.hyperstream.app.cli.DemoResults.Sent;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class LiveTableTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  @Test
  @DisplayName("in a pipe each answer is one plain line with the person's label where it differs")
  void pipe() {
    try (LiveTable table = new LiveTable(out, false, 100)) {
      table.add(answer("hello there", "greeting", "greeting"), "footer");
      table.add(answer("so long", "closing", "greeting"), "footer");
    }

    assertThat(printed().lines()).hasSize(4);
    assertThat(printed().lines().findFirst().orElseThrow()).contains("✗", "in brackets");
    assertThat(printed()).contains("✓ talk", "greeting", "0.75", "12 ms", "hello there");
    assertThat(printed()).contains("✗ talk", "greeting (closing)").doesNotContain("\u001b");
  }

  @Test
  @DisplayName("on a terminal the table is redrawn in place and never wider than the terminal")
  void terminal() {
    try (LiveTable table = new LiveTable(out, true, 90)) {
      for (int i = 0; i < 40; i++) {
        table.add(answer("🍞".repeat(100) + "\n\u001b[2J", "greeting", "greeting"), "footer");
      }
    }

    assertThat(printed()).contains("\u001b[").contains("…").doesNotContain("\u001b[2J");
    assertThat(printed().lines().filter(line -> line.startsWith("✓ talk")))
        .isNotEmpty()
        .allSatisfy(line -> assertThat(columns(line)).isLessThan(90));
  }

  @Test
  @DisplayName("a cell has exactly its width, emoji counting two columns")
  void fit() {
    assertThat(Rendering.fit("abc", 5)).isEqualTo("abc  ");
    assertThat(Rendering.fit("abcde", 5)).isEqualTo("abcde");
    assertThat(Rendering.fit("abcdef", 5)).isEqualTo("abcd…");
    assertThat(Rendering.fit("a🍞🍞", 5)).isEqualTo("a🍞🍞");
    assertThat(Rendering.fit("🍞🍞🍞", 5)).isEqualTo("🍞🍞…");
    assertThat(Rendering.fit("a\tb\n", 4)).isEqualTo("a b ");
  }

  private static int columns(String line) {
    String plain = line.replace("\u001b[K", "");
    return plain.codePoints().map(point -> point > 0xFFFF ? 2 : 1).sum();
  }

  private static Answer answer(String text, String label, String predicted) {
    DemoSentence sentence = new DemoSentence("talk", text, Optional.empty(), label);
    return new Answer(new Sent(Optional.of(sentence), Phase.PACED, 0), predicted, 0.75f, 12_000);
  }

  private String printed() {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
