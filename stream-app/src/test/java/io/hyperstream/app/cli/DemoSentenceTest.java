package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class DemoSentenceTest {
  private final List<DemoSentence> sentences = DemoSentence.all();

  @Test
  @DisplayName("there are several hundred sentences over at least seven tasks, none twice")
  void enoughAndDistinct() {
    assertThat(sentences).hasSizeBetween(300, 600);
    Map<String, Long> perTask =
        sentences.stream()
            .collect(Collectors.groupingBy(DemoSentence::taskId, Collectors.counting()));
    assertThat(perTask).hasSizeGreaterThanOrEqualTo(7);
    assertThat(perTask.values()).allMatch(count -> count >= 30);
    Set<String> seen = new HashSet<>();
    assertThat(sentences)
        .allMatch(
            sentence ->
                seen.add(sentence.taskId() + "|" + sentence.text() + "|" + sentence.textPair()));
  }

  @Test
  @DisplayName("every sentence says something, without tabs or line ends")
  void texts() {
    assertThat(sentences)
        .allMatch(sentence -> !sentence.text().isBlank() && sentence.text().length() <= 400);
    assertThat(sentences).allMatch(sentence -> sentence.text().strip().equals(sentence.text()));
  }
}
