package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.schemas.AdaptationMethod;
import io.hyperstream.schemas.OverLengthPolicy;
import io.hyperstream.schemas.TaskDefinition;
import io.hyperstream.schemas.TaskKind;
import io.hyperstream.schemas.TaskLabel;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TaskYamlTest {
  @Test
  @DisplayName("one task: every field, labels as names, with a verbalizer or a description")
  void everyField() {
    TaskDefinition task =
        read("""
                taskId: ticket-intent
                kind: classification
                description: What a ticket is about
                labels:
                - {name: refund, description: the customer wants money back}
                - yes
                - {name: other, verbalizer: something else}
                template: "ticket: {text}"
                templatePair: "{text} | {textPair}"
                overLength: REJECT
                scoring: TRIE_BEAM
                initFrom: [clinc_banking]
                abstainBelow: 0.6
                adaptation: {enabled: false, triggerExamples: 4, method: weights}
                """)
            .get(0);

    assertThat(task.getKind()).isEqualTo(TaskKind.CLASSIFICATION);
    assertThat(task.getLabels())
        .extracting(TaskLabel::getName)
        .containsExactly("refund", "yes", "other");
    assertThat(task.getLabels().get(2).getVerbalizer()).isEqualTo("something else");
    assertThat(task.getLabels())
        .extracting(TaskLabel::getDescription)
        .containsExactly("the customer wants money back", null, null);
    assertThat(task.getAbstainBelow()).isEqualTo(0.6);
    assertThat(Definitions.toRecord(Definitions.toModel(task)).getAbstainBelow()).isEqualTo(0.6);
    assertThat(Definitions.toRecord(Definitions.toModel(task)).getLabels())
        .isEqualTo(task.getLabels());
    assertThat(task.getTemplate()).isEqualTo("ticket: {text}");
    assertThat(task.getOverLength()).isEqualTo(OverLengthPolicy.REJECT);
    assertThat(task.getInitFrom()).containsExactly("clinc_banking");
    assertThat(task.getAdaptation().getTriggerExamples()).isEqualTo(4);
    assertThat(task.getAdaptation().getEnabled()).isFalse();
    assertThat(task.getAdaptation().getMethod()).isEqualTo(AdaptationMethod.WEIGHTS);
    assertThat(task.getAdaptation().getTuneWeights()).isTrue();
  }

  @Test
  @DisplayName("a text that is too long may be read in windows")
  void windows() {
    TaskDefinition task = read("{taskId: a, labels: [x, y], overLength: windows}").get(0);
    assertThat(task.getOverLength()).isEqualTo(OverLengthPolicy.WINDOWS);
    assertThat(Definitions.toRecord(Definitions.toModel(task)).getOverLength())
        .isEqualTo(OverLengthPolicy.WINDOWS);
  }

  @Test
  @DisplayName("several tasks: a list, a mapping 'tasks', or documents")
  void severalTasks() {
    String one = "{taskId: a, labels: [x, y]}";
    String two = "{taskId: b, kind: GENERATION}";

    assertThat(read("- " + one + "\n- " + two)).hasSize(2);
    assertThat(read("tasks:\n- " + one + "\n- " + two)).hasSize(2);
    assertThat(read(one + "\n---\n" + two)).hasSize(2);
  }

  @ParameterizedTest(name = "{1}")
  @DisplayName("a mistake is named with its line and what was expected")
  @CsvSource(
      delimiter = '|',
      value = {
        "{taskId: a, lables: [x, y]} | t.yaml:1: unknown field 'lables' of a task; known are [taskId",
        "{labels: [x, y]} | t.yaml:1: the field 'taskId' of a task is missing",
        "{taskId: a, taskId: b, labels: [x, y]} | field 'taskId' of a task is given twice",
        "{taskId: 'a b', labels: [x, y]} | a task id is 1 to 128 characters",
        "{taskId: a, labels: x} | 'labels' of a task must be a list, got the single value 'x'",
        "{taskId: a, labels: [x, [y]]} | a label must be a single value, got a list",
        "{taskId: a, labels: [x, {nam: y}]} | unknown field 'nam' of a label",
        "{taskId: .., labels: [x, y]} | not . or .. alone",
        "{taskId: a, labels: [\"x\\ty\", z]} | the name of label 'x\\u0009y' has a control character",
        "{taskId: a, labels: [x]} | needs 2 to 1024 labels; it has 1",
        "{taskId: a, labels: [x, x]} | names the label 'x' twice",
        "{taskId: a, kind: GUESS} | 'kind' of a task must be one of CLASSIFICATION, REGRESSION, GENER",
        "{taskId: a, kind: UNKNOWN} | 'kind' of a task must be one of",
        "{taskId: a, kind: REGRESSION, labels: [x, y]} | takes no labels",
        "{taskId: a, kind: GENERATION, overLength: WINDOWS} | WINDOWS answers with the mean",
        "{taskId: a, labels: [x, y], overLength: SPLIT} | one of TRUNCATE, REJECT, WINDOWS; got 'SPLIT'",
        "{taskId: a, labels: [x, y], abstainBelow: 2} | 'abstainBelow' of a task must be a number from 0.0 to 1.0; got '2'",
        "{taskId: a, kind: REGRESSION, abstainBelow: 0.5} | abstainBelow is for CLASSIFICATION",
        "{taskId: a, labels: [x, y], template: hello} | a template needs the place holder {text}",
        "{taskId: a, labels: [x, y], description: } | has no value; leave it out",
        "{taskId: a, labels: [x, y], adaptation: {heldOutFraction: 2}} | a number from 0.0 to 0.5; got '2'",
        "{taskId: a, labels: [x, y], adaptation: {triggerExamples: few}} | whole number from 1",
        "{taskId: a, labels: [x, y], adaptation: {enabled: 7}} | must be true or false; got '7'",
        "{taskId: a, labels: [x, y] | not YAML",
        "just text | a task must be a mapping of fields, got the single value 'just text'",
        "'' | t.yaml defines no task",
        "{tasks: [], more: 1} | unknown field 'more' of the file"
      })
  void mistakes(String yaml, String message) {
    assertThatThrownBy(() -> read(yaml))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining(message);
  }

  @Test
  @DisplayName("the line of a mistake further down is the one to look at")
  void lineNumbers() {
    assertThatThrownBy(() -> read("taskId: a\nlabels:\n  - x\n  - y\ntemplat: z\n"))
        .hasMessageStartingWith("t.yaml:5: unknown field 'templat'");
  }

  @Test
  @DisplayName("sizes have limits: labels, names, nesting, the file")
  void limits() {
    String many = IntStream.range(0, 1025).mapToObj(i -> "l" + i).collect(Collectors.joining(", "));
    assertThatThrownBy(() -> read("{taskId: a, labels: [" + many + "]}"))
        .hasMessageContaining("has 1025 entries; at most 1024");
    assertThatThrownBy(() -> read("{taskId: a, labels: [x, " + "y".repeat(257) + "]}"))
        .hasMessageContaining("at most 256 characters");
    String meaning = "{name: y, description: " + "z".repeat(513) + "}";
    assertThatThrownBy(() -> read("{taskId: a, labels: [x, " + meaning + "]}"))
        .hasMessageContaining("512");
    assertThatThrownBy(() -> read("[".repeat(100) + "]".repeat(100)))
        .hasMessageContaining("t.yaml");
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            return 'x';
          }
        };
    assertThatThrownBy(() -> TaskYaml.read("t.yaml", endless)).hasMessageContaining("larger than");
  }

  @Test
  @DisplayName("a task defined twice in one file is refused")
  void twice() {
    assertThatThrownBy(() -> read("- {taskId: a, labels: [x, y]}\n- {taskId: a, labels: [x, z]}"))
        .hasMessageContaining("defines the task 'a' twice");
  }

  @Test
  @DisplayName("the demo's tasks are valid, and every sentence's label is one of its task's")
  void demoTasks() throws IOException {
    Map<String, Set<String>> labels;
    try (InputStream in = TaskYaml.class.getResourceAsStream(DemoSentence.TASKS)) {
      labels =
          TaskYaml.read(DemoSentence.TASKS, in).stream()
              .collect(
                  Collectors.toMap(
                      TaskDefinition::getTaskId,
                      task ->
                          task.getLabels().stream()
                              .map(TaskLabel::getName)
                              .collect(Collectors.toSet())));
    }
    List<DemoSentence> sentences = DemoSentence.all();
    assertThat(sentences)
        .allSatisfy(
            sentence ->
                assertThat(labels.get(sentence.taskId()))
                    .as(sentence.toString())
                    .contains(sentence.label()));
    assertThat(sentences.stream().map(DemoSentence::taskId).collect(Collectors.toSet()))
        .isEqualTo(labels.keySet())
        .hasSize(10);
  }

  @Test
  @DisplayName("the tasks of the compose file are valid")
  void composeTasks() throws IOException {
    Path file = Path.of("..", "infra", "docker", "tasks.yaml");
    try (InputStream in = Files.newInputStream(file)) {
      assertThat(TaskYaml.read(file.toString(), in))
          .extracting(TaskDefinition::getTaskId)
          .contains("product-review"); // infra/ci/compose.sh asks it
    }
  }

  private static List<TaskDefinition> read(String yaml) {
    try {
      return TaskYaml.read(
          "t.yaml", new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
