package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hyperstream.app.config.ModelSettings;
import io.hyperstream.app.config.StreamsSettings;
import io.micronaut.context.ApplicationContext;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailuresTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Console console = CommandRun.console("", out, err, false);

  @Test
  @DisplayName("a failure is one line on standard error without a stack trace")
  void oneLine() {
    int status = Failures.onException(console, CommandFailure.failed("no such thing; make one"));

    assertThat(status).isEqualTo(ExitCodes.FAILURE);
    assertThat(text(err)).isEqualTo("hyperstream: no such thing; make one\n");
    assertThat(text(out)).isEmpty();
  }

  @ParameterizedTest(name = "{0}={1}")
  @CsvSource({
    "hyperstream.model.precision, int4, 'hyperstream.model.precision (in the environment"
        + " HYPERSTREAM_MODEL_PRECISION) must be f32, bf16 or auto'",
    "hyperstream.model.max-source-tokens, -1, 'hyperstream.model.max-source-tokens (in the"
        + " environment HYPERSTREAM_MODEL_MAX_SOURCE_TOKENS) must be greater than or equal to 0'"
  })
  @DisplayName("a setting out of its range is named as it is set, with what it may be")
  void wrongSetting(String key, String value, String sentence) {
    try (ApplicationContext context = ApplicationContext.run(Map.of(key, value))) {
      assertThatThrownBy(() -> context.getBean(ModelSettings.class))
          .satisfies(e -> assertThat(Failures.sentence(e, false)).isEqualTo(sentence));
    }
  }

  @Test
  @DisplayName("a setting of the wrong type is named as it was set, with what it should be")
  void wrongType() {
    String value = "many";
    try (ApplicationContext context =
        ApplicationContext.run(Map.of("hyperstream.streams.threads", value))) {
      assertThatThrownBy(() -> context.getBean(StreamsSettings.class))
          .satisfies(
              e -> {
                assertThat(Failures.sentence(e, false))
                    .isEqualTo("hyperstream.streams.threads is many, expected a number");
                assertThat(
                        Failures.wrongType(
                            e, Map.of("X", value, "HYPERSTREAM_STREAMS_THREADS", value)))
                    .hasValue(
                        "the environment's HYPERSTREAM_STREAMS_THREADS is many, expected a number");
              });
    }
  }

  @Test
  @DisplayName("an error, which the parser does not handle, is a sentence and a status as well")
  void error() {
    PrintStream broken =
        new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8) {
          @Override
          public void write(byte[] bytes, int offset, int length) {
            throw new UnsatisfiedLinkError("/cache/libx.so: cannot be mapped");
          }
        };
    Console standard = CommandRun.console("", out, err, false);
    Console console =
        new Console(InputStream.nullInputStream(), broken, standard.err(), false, false, 100);

    assertThat(Hyperstream.run(console, "--version")).isEqualTo(ExitCodes.FAILURE);
    assertThat(text(err)).startsWith("hyperstream: native code cannot be loaded from /cache");
  }

  @Test
  @DisplayName("--verbose adds the stack trace")
  void verbose() {
    console.verbose(true);
    assertThat(Failures.onException(console, new IllegalStateException("odd")))
        .isEqualTo(ExitCodes.FAILURE);

    assertThat(text(err)).contains("odd").contains("\tat " + FailuresTest.class.getName());
  }

  @Test
  @DisplayName("Kafka's failures say what to change")
  void kafka() {
    assertThat(sentenceOf(new ExecutionException(new TimeoutException("no answer"))))
        .contains("no answer", "--bootstrap-servers");
    assertThat(sentenceOf(new SaslAuthenticationException("bad password")))
        .contains("bad password", "--command-config");
    assertThat(sentenceOf(new TopicAuthorizationException("denied"))).contains("ACL");
    assertThat(sentenceOf(new NoSuchFileException("texts.txt")))
        .contains("no such file: texts.txt");
    assertThat(sentenceOf(new NoSuchFileException("m", null, "there are [a, b]")))
        .contains("m: there are [a, b]");
    assertThat(
            sentenceOf(
                new KafkaException(
                    "Failed to construct a client", new ConfigException("No resolvable urls"))))
        .contains("a Kafka setting is wrong: No resolvable urls");
    assertThat(sentenceOf(new IllegalStateException("not so"))).isEqualTo("hyperstream: not so\n");
  }

  @Test
  @DisplayName("an interruption and a wrong call have statuses of their own")
  void statuses() {
    assertThat(Failures.onException(console, new InterruptedException()))
        .isEqualTo(ExitCodes.INTERRUPTED);
    assertThat(Failures.onException(console, CommandFailure.usage("so not")))
        .isEqualTo(ExitCodes.USAGE);
  }

  private String sentenceOf(Exception exception) {
    err.reset();
    Failures.onException(console, exception);
    return text(err);
  }

  private static String text(ByteArrayOutputStream stream) {
    return stream.toString(StandardCharsets.UTF_8);
  }
}
