package io.hyperstream.app.streams;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("A failure's message")
class SentencesTest {

  @ParameterizedTest(name = "{0}")
  @DisplayName("says what happened without the names of classes")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "java.net.UnknownHostException: kafka1 | unknown host: kafka1",
        "it fails: java.io.IOException: No space left | it fails: No space left",
        "java.lang.OutOfMemoryError | out of memory",
        "ai.djl.engine.EngineException: shapes differ | engine: shapes differ",
        "class java.lang.String cannot be cast to class io.hyperstream.schemas.TaskKind"
            + " | String cannot be cast to TaskKind",
        "expected a io.hyperstream.schemas.InferenceRequest, got [x]"
            + " | expected a InferenceRequest, got [x]",
        "no label 'ValueError'; it has 'java.io.IOException: x'"
            + " | no label 'ValueError'; it has 'java.io.IOException: x'",
        "no such file: /data/java.util.Map | no such file: /data/java.util.Map",
        "Unexpected end-of-input: expected close marker for Object (start marker at [Source:"
            + " REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column:"
            + " 1]) | Unexpected end-of-input: expected close marker for Object",
        "length (9) exceeds the maximum allowed (8, from"
            + " `StreamReadConstraints.getMaxStringLength()`) | length (9) exceeds the maximum"
            + " allowed (8)",
        "the topic team-a.inference.requests of kafka.example.com:9092"
            + " | the topic team-a.inference.requests of kafka.example.com:9092"
      })
  void plain(String message, String sentence) {
    assertThat(Sentences.of(message)).isEqualTo(sentence);
  }

  @Test
  @DisplayName("that is missing is replaced by what its kind says")
  void noMessage() {
    assertThat(Sentences.of(new NullPointerException())).isEqualTo("null pointer");
    assertThat(Sentences.of(new IllegalStateException("not so"))).isEqualTo("not so");
  }
}
