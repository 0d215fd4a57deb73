package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.task.Metric;
import io.hyperstream.model.task.TaskKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A task as a folder")
class TaskFolderTest {
  @TempDir Path folder;

  @Test
  @DisplayName("is read from TSV with one or two texts")
  void tsv() throws IOException {
    write(
        "task.json",
        "{\"name\":\"t\",\"kind\":\"pair-classification\",\"labels\":[\"yes\",\"no\"]}");
    write("train.tsv", "one\ttwo\tyes\n\nthree\tfour\tno\n");
    TaskFolder task = TaskFolder.open(folder);
    assertThat(task.task().template().needsPair()).isTrue();
    assertThat(task.metric()).isEqualTo(Metric.ACCURACY);
    assertThat(task.read("train"))
        .containsExactly(
            new Example("one", Optional.of("two"), "yes"),
            new Example("three", Optional.of("four"), "no"));
    assertThat(task.has("test")).isFalse();
  }

  @Test
  @DisplayName("is read from JSON lines")
  void jsonLines() throws IOException {
    write("task.json", "{\"kind\":\"regression\",\"metric\":\"spearman\"}");
    write("test.jsonl", "{\"text\":\"a\\tb\",\"label\":2.5}\n");
    TaskFolder task = TaskFolder.open(folder);
    assertThat(task.task().kind()).isEqualTo(TaskKind.REGRESSION);
    assertThat(task.metric()).isEqualTo(Metric.SPEARMAN);
    assertThat(task.read("test")).containsExactly(Example.of("a\tb", "2.5"));
  }

  @Test
  @DisplayName("names file and line of what is wrong")
  void wrong() throws IOException {
    write("task.json", "{\"name\":\"t\",\"labels\":[\"yes\",\"no\"]}");
    write("train.tsv", "fine\tyes\nlost\n");
    write("test.tsv", "hm\tmaybe\n");
    TaskFolder task = TaskFolder.open(folder);
    assertThatThrownBy(() -> task.read("train"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("train.tsv, line 2: expected 2 columns");
    assertThatThrownBy(() -> task.read("test")).hasMessageContaining("'maybe' is none of");
    write("task.json", "{\"name\":\"t\",\"labels\":[\"yes\"]}");
    assertThatThrownBy(() -> TaskFolder.open(folder)).hasMessageContaining("2 to 1024 labels");
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }
}
