package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.app.cli.BenchTexts.Text;
import io.hyperstream.schemas.TaskDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchTextsTest {
  @TempDir Path folder;

  @Test
  @DisplayName("rows without a task go to the tasks of one text in turn, the others to their own")
  void inTurn() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("texts.tsv"), "taskId\ttext\n\tone\nemotion\ttwo\n\tthree\n");
    List<TaskDefinition> tasks =
        BenchTexts.demoTasks().stream()
            .filter(task -> List.of("emotion", "moderation").contains(task.getTaskId()))
            .toList();

    assertThat(BenchTexts.ofFile(file, tasks).texts())
        .extracting(Text::text)
        .containsExactlyInAnyOrder("one", "two", "three");
    assertThat(
            BenchTexts.ofFile(file, tasks).texts().stream()
                .collect(
                    Collectors.groupingBy(text -> text.task().getTaskId(), Collectors.counting())))
        .containsEntry("emotion", 2L)
        .containsEntry("moderation", 1L);
  }

  @Test
  @DisplayName("the order is mixed, and the same every time")
  void order() throws IOException {
    BenchTexts texts = BenchTexts.ofDemo(BenchTexts.demoTasks());

    assertThat(texts.texts()).hasSize(DemoSentence.all().size());
    assertThat(texts.texts().subList(0, 20))
        .extracting(text -> text.task().getTaskId())
        .satisfies(tasks -> assertThat(tasks.stream().distinct().count()).isGreaterThan(4));
    assertThat(BenchTexts.ofDemo(BenchTexts.demoTasks())).isEqualTo(texts);
  }

  @Test
  @DisplayName("without pairs, a task that compares two texts goes with its texts")
  void withoutPairs() throws IOException {
    BenchTexts all = BenchTexts.ofDemo(BenchTexts.demoTasks());

    BenchTexts single = all.withoutPairs();

    assertThat(single.tasks())
        .extracting(TaskDefinition::getTaskId)
        .hasSize(all.tasks().size() - 1)
        .doesNotContain("aspect-sentiment");
    assertThat(single.texts())
        .hasSize((int) all.texts().stream().filter(text -> text.textPair().isEmpty()).count())
        .allMatch(text -> single.tasks().contains(text.task()));
  }

  @Test
  @DisplayName("a row of a task nobody defined says where it is and which tasks there are")
  void unknownTask() throws IOException {
    Path file = Files.writeString(folder.resolve("t.tsv"), "taskId\ttext\nweather\train\n");
    List<TaskDefinition> tasks = BenchTexts.demoTasks();

    assertThatThrownBy(() -> BenchTexts.ofFile(file, tasks))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining("t.tsv:2: no task 'weather'")
        .hasMessageContaining("emotion");
  }
}
