package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskLabel;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class DemoSentenceTest {
  private final List<DemoSentence> sentences = DemoSentence.all();

  @Test
  @DisplayName(
      "there are several hundred sentences over ten tasks, at least three of each label, none twice")
  void enoughAndDistinct() {
    assertThat(sentences).hasSizeBetween(300, 600);
    Map<String, Long> perTask =
        sentences.stream()
            .collect(Collectors.groupingBy(DemoSentence::taskId, Collectors.counting()));
    assertThat(perTask).hasSize(10);
    assertThat(perTask.values()).allMatch(count -> count >= 30);
    assertThat(
            sentences.stream()
                .collect(
                    Collectors.groupingBy(s -> s.taskId() + "|" + s.label(), Collectors.counting()))
                .values())
        .allMatch(count -> count >= 3);
    Set<String> seen = new HashSet<>();
    assertThat(sentences)
        .allMatch(
            sentence ->
                seen.add(sentence.taskId() + "|" + sentence.text() + "|" + sentence.textPair()));
  }

  @Test
  @DisplayName(
      "the taught task: eight examples of each label, other sentences to test, a task apart")
  void taught() throws IOException {
    TaskDefinition task;
    try (InputStream in = DemoSentence.class.getResourceAsStream(DemoTeaching.TASK)) {
      task = TaskYaml.read(DemoTeaching.TASK, in).get(0);
    }
    List<DemoSentence> examples = DemoSentence.read(DemoTeaching.EXAMPLES);
    List<DemoSentence> test = DemoSentence.read(DemoTeaching.TEST);

    assertThat(perLabel(examples).values()).containsOnly(8L).hasSize(task.getLabels().size());
    assertThat(perLabel(test).values()).containsOnly(12L).hasSize(task.getLabels().size());
    assertThat(perLabel(test).keySet())
        .containsExactlyInAnyOrderElementsOf(
            task.getLabels().stream().map(TaskLabel::getName).toList());
    assertThat(Stream.of(examples, test).flatMap(List::stream).map(DemoSentence::text))
        .doesNotHaveDuplicates();
    assertThat(sentences).noneMatch(sentence -> sentence.taskId().equals(task.getTaskId()));
    assertThat(examples).allMatch(sentence -> sentence.taskId().equals(task.getTaskId()));
    assertThat(test).allMatch(sentence -> sentence.taskId().equals(task.getTaskId()));
  }

  private static Map<String, Long> perLabel(List<DemoSentence> of) {
    return of.stream().collect(Collectors.groupingBy(DemoSentence::label, Collectors.counting()));
  }

  @Test
  @DisplayName("every sentence says something, without tabs or line ends")
  void texts() {
    assertThat(sentences)
        .allMatch(sentence -> !sentence.text().isBlank() && sentence.text().length() <= 400);
    assertThat(sentences).allMatch(sentence -> sentence.text().strip().equals(sentence.text()));
  }
}
