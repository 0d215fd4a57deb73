package io.hyperstream.model.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.training.Example;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
  @DisplayName("is one, whether its accents are characters of their own or not")
  void oneSpelling() {
    assertThat(Label.of("cafe\u0301")).isEqualTo(Label.of("caf\u00e9"));
    assertThat(new Label("th\u00e9", "the\u0301").ownVerbalizer()).isEmpty();
    assertThatThrownBy(() -> TaskDefinition.classification("t", List.of("caf\u00e9", "cafe\u0301")))
        .hasMessageContaining("names the label 'caf\u00e9' twice");
    assertThat(Example.of("cafe\u0301", "cafe\u0301"))
        .isEqualTo(Example.of("cafe\u0301", "caf\u00e9"));
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "0, \\u0000",
    "9, \\u0009",
    "10, \\u000a",
    "13, \\u000d",
    "27, \\u001b",
    "127, \\u007f",
    "133, \\u0085",
    "8232, \\u2028",
    "8233, \\u2029",
    "55296, \\ud800"
  })
  @DisplayName("has no control characters in its name; the message shows them escaped")
  void controlCharacters(int character, String escaped) {
    assertThatThrownBy(() -> Label.of("on\u00e9" + (char) character + "two"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("label 'on\u00e9" + escaped + "two' has a control character");
  }

  @Test
  @DisplayName("may be written in any script, with signs that join characters")
  void scripts() {
    String family = "\ud83d\udc69\u200d\ud83d\udc67 \u0645\u06cc\u200c\u0634\u0648\u062f";
    assertThat(Label.of(family).name()).isEqualTo(family);
  }

  @Test
  @DisplayName("has a verbalizer of its own only where that differs from the name")
  void ownVerbalizer() {
    assertThat(Label.of("yes").ownVerbalizer()).isEmpty();
    assertThat(new Label("yes", "it does").ownVerbalizer()).contains("it does");
  }
}
