package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.task.Label;
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
  @DisplayName("has labels with a verbalizer and a description where its description says so")
  void labels() throws IOException {
    write(
        "task.json",
        "{\"labels\":[\"yes\",{\"name\":\"no\",\"verbalizer\":\"never\","
            + "\"description\":\"it is wrong\"}]}");
    assertThat(TaskFolder.open(folder).task().labels())
        .containsExactly(Label.of("yes"), new Label("no", "never", Optional.of("it is wrong")));
    write("task.json", "{\"labels\":[\"yes\",[]]}");
    assertThatThrownBy(() -> TaskFolder.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("a label is its name");
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

  @Test
  @DisplayName("of a GLUE task is rendered and measured as in the paper, unless it says otherwise")
  void glue() throws IOException {
    Path qqp = Files.createDirectories(folder.resolve("QQP"));
    Files.writeString(qqp.resolve("train.tsv"), "one?\ttwo?\t0\nthree?\tfour?\t1\n");
    TaskFolder task = TaskFolder.open(qqp);
    assertThat(task.task().template().pattern())
        .isEqualTo("question1: {text} question2: {textPair}");
    assertThat(task.metrics()).containsExactly(Metric.F1, Metric.ACCURACY);
    assertThat(task.task().labels()).extracting(Label::name).containsExactly("0", "1");

    Path sts = Files.createDirectories(folder.resolve("sts-b"));
    Files.writeString(
        sts.resolve("train.jsonl"), "{\"text\":\"a\",\"textPair\":\"b\",\"label\":3.37}");
    TaskFolder regression = TaskFolder.open(sts);
    assertThat(regression.task().kind()).isEqualTo(TaskKind.REGRESSION);
    assertThat(regression.metrics()).containsExactly(Metric.PEARSON, Metric.SPEARMAN);
    assertThat(TaskData.number(3.37, regression.step())).isEqualTo("3.4");
    assertThat(TaskData.number(-0.04, 0.1)).isEqualTo("0.0");

    Path cola = Files.createDirectories(folder.resolve("cola"));
    Files.writeString(
        cola.resolve("task.json"),
        "{\"labels\":[\"no\",\"yes\"],\"metric\":[\"accuracy\",\"macro-f1\"],\"template\":\"{text}\"}");
    TaskFolder own = TaskFolder.open(cola);
    assertThat(own.metrics()).containsExactly(Metric.ACCURACY, Metric.MACRO_F1);
    assertThat(own.task().template().pattern()).isEqualTo("{text}");
    assertThat(TaskFolder.openAll(folder))
        .extracting(found -> found.task().taskId())
        .containsExactly("QQP", "cola", "sts-b");
  }

  @Test
  @DisplayName("needs no description where the training examples say it all")
  void noDescription() throws IOException {
    Path tone = Files.createDirectories(folder.resolve("tone"));
    assertThatThrownBy(() -> TaskFolder.open(tone))
        .hasMessageContaining("neither train.tsv nor train.jsonl");
    Files.writeString(tone.resolve("train.tsv"), "thanks\tpolite\nnow!\tblunt\nplease\tpolite\n");
    TaskFolder task = TaskFolder.open(tone);
    assertThat(task.task().labels()).extracting(Label::name).containsExactly("blunt", "polite");
    assertThat(task.task().template().needsPair()).isFalse();
    assertThat(task.metric()).isEqualTo(Metric.ACCURACY);
    Files.writeString(tone.resolve("task.json"), "{\"metric\":\"pearson\"}");
    assertThatThrownBy(() -> TaskFolder.open(tone))
        .hasMessageContaining("pearson does not measure a task of kind CLASSIFICATION");
    Files.writeString(tone.resolve("task.json"), "{\"metric\":\"bleu\"}");
    assertThatThrownBy(() -> TaskFolder.open(tone)).hasMessageContaining("no metric 'bleu'");
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }
}
