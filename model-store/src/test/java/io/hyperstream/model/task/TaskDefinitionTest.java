package io.hyperstream.model.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A task's definition")
class TaskDefinitionTest {

  private static TaskDefinition of(TaskKind kind, OverLengthPolicy overLength) {
    return of(kind, overLength, 0);
  }

  private static TaskDefinition of(
      TaskKind kind, OverLengthPolicy overLength, double abstainBelow) {
    List<Label> labels =
        kind == TaskKind.CLASSIFICATION ? List.of(Label.of("yes"), Label.of("no")) : List.of();
    return new TaskDefinition(
        "task",
        kind,
        labels,
        Template.SINGLE,
        Template.PAIR,
        "",
        overLength,
        LabelScoring.EXACT,
        List.of(),
        abstainBelow);
  }

  @Test
  @DisplayName("says below which score a classification has no label")
  void abstains() {
    TaskDefinition half = of(TaskKind.CLASSIFICATION, OverLengthPolicy.TRUNCATE, 0.5);
    assertThat(half.abstains(0.4999f)).contains("score 0.49 < 0.5");
    assertThat(half.abstains(0.5f)).isEmpty();
    assertThat(of(TaskKind.CLASSIFICATION, OverLengthPolicy.TRUNCATE, 0.9).abstains(0.9f))
        .isEmpty(); // the float is less than the double
    assertThat(of(TaskKind.GENERATION, OverLengthPolicy.TRUNCATE).abstains(0)).isEmpty();
    for (double wrong : new double[] {-0.1, 1.01, Double.NaN}) {
      assertThatThrownBy(() -> of(TaskKind.CLASSIFICATION, OverLengthPolicy.TRUNCATE, wrong))
          .hasMessageContaining(
              "abstainBelow is a score from 0 (always answer) to 1; got " + wrong);
    }
    assertThatThrownBy(() -> of(TaskKind.REGRESSION, OverLengthPolicy.TRUNCATE, 0.5))
        .hasMessageContaining("abstainBelow is for CLASSIFICATION");
  }

  @Test
  @DisplayName("has no id that means a folder in a path")
  void ids() {
    for (String id : List.of("...", ".a", "a..", "..a", "a.b", "x".repeat(128))) {
      TaskDefinition.checkTaskId(id);
    }
    for (String id : List.of(".", "..", "", "a b", "a/b", ".\n", "x".repeat(129))) {
      assertThatThrownBy(() -> TaskDefinition.checkTaskId(id))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a task id is 1 to 128 characters")
          .hasMessageContaining("not . or .. alone");
    }
  }

  @Test
  @DisplayName("reads long texts in windows only where answers have a mean")
  void windows() {
    assertThat(of(TaskKind.CLASSIFICATION, OverLengthPolicy.WINDOWS).overLength())
        .isEqualTo(OverLengthPolicy.WINDOWS);
    for (TaskKind kind : List.of(TaskKind.REGRESSION, TaskKind.GENERATION)) {
      assertThatThrownBy(() -> of(kind, OverLengthPolicy.WINDOWS))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("use TRUNCATE or REJECT");
    }
  }
}
