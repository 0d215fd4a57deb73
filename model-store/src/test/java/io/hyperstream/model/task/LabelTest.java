package io.hyperstream.model.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A label")
class LabelTest {

  @Test
  @DisplayName("says what it means in at most 512 characters; a blank description is none")
  void description() {
    Label label = Label.of("refund", Optional.empty(), Optional.of("  wants money back "));

    assertThat(label.description()).contains("wants money back");
    assertThat(label.verbalizer()).isEqualTo("refund");
    assertThat(Label.of("a", Optional.empty(), Optional.of(" \n"))).isEqualTo(Label.of("a"));
    assertThat(new Label("a", "b").description()).isEmpty();
    assertThatThrownBy(() -> new Label("refund", "refund", Optional.of("x".repeat(513))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'refund' has 513 characters, at most 512");
  }

  @Test
  @DisplayName("has a verbalizer of its own only where that differs from the name")
  void ownVerbalizer() {
    assertThat(Label.of("yes").ownVerbalizer()).isEmpty();
    assertThat(new Label("yes", "it does").ownVerbalizer()).contains("it does");
  }
}
