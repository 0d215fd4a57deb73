package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hyperstream.app.config.ModelSettings;
import io.hyperstream.app.config.RoleSettings;
import io.hyperstream.app.config.StreamsSettings;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.app.streams.HeaderPolicy;
import io.hyperstream.app.streams.OutputRecords;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.RecordCodec;
import io.hyperstream.schemas.SchemaRegistries;
import io.hyperstream.schemas.Topics;
import io.micronaut.context.ApplicationContext;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import javax.net.ssl.SSLHandshakeException;
import org.apache.avro.AvroRuntimeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.streams.processor.api.Record;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.YAMLException;
import picocli.CommandLine;

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
  @DisplayName("a setting that checks itself is a sentence of its own, without our classes")
  void refusedByItself() {
    try (ApplicationContext context = ApplicationContext.run(Map.of("hyperstream.roles", "foo"))) {
      assertThatThrownBy(() -> context.getBean(RoleSettings.class))
          .satisfies(
              e ->
                  assertThat(Failures.sentence(e, false))
                      .isEqualTo(
                          "hyperstream.roles should be inference, adaptation or both, with a comma;"
                              + " got [foo]"));
    }
  }

  @Test
  @DisplayName("a home that cannot be written to is said with the variables that move it")
  void home() {
    String home = System.getProperty("user.home");
    for (String file : List.of(home, home + "/.hyperstream/x", home + "/.djl.ai")) {
      assertThat(Failures.sentence(new AccessDeniedException(file), false))
          .contains("cannot use " + file, "HOME", "DJL_CACHE_DIR");
    }
    assertThat(Failures.sentence(new AccessDeniedException("/elsewhere"), false))
        .isEqualTo("not allowed to open: /elsewhere");
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

  @ParameterizedTest(name = "{0}={1}")
  @CsvSource({
    "hyperstream.streams.commit-interval, soon, 'a time such as 500ms, 90s, 5m or 1h'",
    "hyperstream.streams.threads, 1.5, a number",
    "hyperstream.streams.guarantee, thrice, 'EXACTLY_ONCE_V2 or AT_LEAST_ONCE'"
  })
  @DisplayName("what a setting should be is said in words, not by the name of a type")
  void wrongTypes(String key, String value, String expected) {
    try (ApplicationContext context = ApplicationContext.run(Map.of(key, value))) {
      assertThatThrownBy(() -> context.getBean(StreamsSettings.class))
          .satisfies(
              e ->
                  assertThat(Failures.sentence(e, false))
                      .isEqualTo(key + " is " + value + ", expected " + expected));
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

  static Stream<Exception> failures() throws Exception {
    List<Exception> failures = new ArrayList<>();
    for (String json : List.of("{\"a\": ", "{]", "{\"a\":1,\"a\":2}", "\u0001", "tru")) {
      try {
        new ObjectMapper().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION).readTree(json);
        throw new IllegalStateException(json + " is JSON");
      } catch (JsonProcessingException e) {
        failures.add(e);
      }
    }
    for (String yaml : List.of("a: [", "a: *b", "\t", "!!java.io.File x")) {
      try {
        new Yaml(new SafeConstructor(new LoaderOptions())).load(yaml);
        throw new IllegalStateException(yaml + " is YAML");
      } catch (YAMLException e) {
        failures.add(e);
      }
    }
    failures.addAll(
        List.of(
            new NullPointerException(),
            new UnknownHostException("kafka1"),
            new SSLHandshakeException("no cipher"),
            new ClassCastException(
                "class java.lang.String cannot be cast to class io.hyperstream.schemas.TaskKind"),
            new KafkaException("Failed to construct kafka consumer", new IOException()),
            new ExecutionException(new IllegalStateException(new UnknownHostException("k"))),
            new ExecutionException(new AvroRuntimeException("Malformed data")),
            new CompletionException(new TimeoutException("org.apache.kafka.common.Node: no")),
            new ConfigException("security.protocol", "x", "it is none"),
            new RuntimeException(new IOException("No space left on device")),
            new KafkaException("no io.hyperstream.schemas.TaskDefinition"),
            new CommandLine.TypeConversionException(
                "cannot convert 'x' to Foo (java.lang.NumberFormatException: For input string)")));
    return failures.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("failures")
  @DisplayName("nothing that people read has a name of a class in it")
  void noClassNames(Exception failure) {
    TopicPartition from = new TopicPartition("requests", 0);
    String deadLetter =
        new String(
            new OutputRecords(
                    new RecordCodec(SchemaRegistries.connect("mock://failures", Map.of())),
                    new Topics(Topics.Settings.defaults()),
                    new HeaderPolicy(1000),
                    Duration.ZERO,
                    () -> {})
                .deadLetter(
                    new Record<>(new byte[0], new byte[0], 0L),
                    from,
                    0,
                    ErrorCode.MODEL_ERROR,
                    "the model fails on this text: " + failure)
                .headers()
                .lastHeader(DeadLetterHeaders.ERROR_MESSAGE)
                .value(),
            StandardCharsets.UTF_8);

    for (String said : List.of(sentenceOf(failure), deadLetter)) {
      assertThat(said)
          .isNotBlank()
          .doesNotContain("Exception", "StreamRead")
          .doesNotContainPattern("(?<!!!)\\b(?:java|javax|io|org|com|ai)\\.[a-z]");
    }
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
