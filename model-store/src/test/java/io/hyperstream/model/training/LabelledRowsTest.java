package io.hyperstream.model.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.model.task.TaskDefinition;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Examples made fit to learn from")
class LabelledRowsTest {
  private static final TaskDefinition TASK =
      TaskDefinition.classification("t", List.of("good", "bad", "new"));

  @Test
  @DisplayName("copies become one, the majority decides, even contradictions go, all is reported")
  void cleaned() {
    LabelledRows rows =
        LabelledRows.of(
            TASK,
            List.of(
                Example.of("Fine  work", "good"),
                Example.of("fine work ", "good"),
                Example.of("fine work", "bad"),
                Example.of("so so", "good"),
                Example.of("So so", "bad"),
                Example.of("awful", "bad"),
                Example.of("what", "no such label")));

    assertThat(rows.examples())
        .containsExactly(Example.of("Fine  work", "good"), Example.of("awful", "bad"));
    assertThat(rows.duplicates()).isEqualTo(2);
    assertThat(rows.contradictions()).isEqualTo(2);
    assertThat(rows.unknownLabels()).isEqualTo(1);
    assertThat(rows.missingLabels()).containsExactly("new");
  }
}
