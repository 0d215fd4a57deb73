package io.hyperstream.model.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A task's definition")
class TaskDefinitionTest {

  private static TaskDefinition of(TaskKind kind, OverLengthPolicy overLength) {
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
        List.of());
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
