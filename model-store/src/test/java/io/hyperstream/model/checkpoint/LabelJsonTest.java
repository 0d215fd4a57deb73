package io.hyperstream.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.model.task.Label;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("A label as JSON")
class LabelJsonTest {

  @Test
  @DisplayName("is its name, or an object where it has more to say, and is read as it was written")
  void roundTrip() throws Exception {
    List<Label> labels =
        List.of(
            Label.of("yes"),
            new Label("no", "it does not"),
            Label.of("maybe", Optional.empty(), Optional.of("neither is sure")));

    for (Label label : labels) {
      byte[] json = LabelJson.write(label).toString().getBytes(StandardCharsets.UTF_8);
      assertThat(LabelJson.read(Json.parse(json, "a test"))).isEqualTo(label);
    }
    assertThat(LabelJson.write(labels.get(0)).isTextual()).isTrue();
    assertThat(LabelJson.read(Json.parse("1".getBytes(StandardCharsets.UTF_8), "a test")))
        .isEqualTo(Label.of("1"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[] | got a structure",
        "null | got null",
        "{\"verbalizer\": \"a\"} | the text field 'name'",
        "{\"name\": \"a\", \"description\": 1} | 'description' of a label must be a text; got 1"
      })
  @DisplayName("of another form is refused, saying what was expected")
  void refused(String json, String message) {
    assertThatThrownBy(
            () -> LabelJson.read(Json.parse(json.getBytes(StandardCharsets.UTF_8), "a test")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
