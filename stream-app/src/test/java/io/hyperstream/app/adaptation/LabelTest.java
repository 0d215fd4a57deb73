package io.hyperstream.app.adaptation;

import static io.hyperstream.app.adaptation.AdaptationFixture.START;
import static io.hyperstream.app.adaptation.AdaptationFixture.command;
import static io.hyperstream.app.adaptation.AdaptationFixture.event;
import static io.hyperstream.app.adaptation.AdaptationFixture.header;
import static io.hyperstream.app.adaptation.AdaptationFixture.task;
import static io.hyperstream.app.adaptation.AdaptationFixture.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import io.hyperstream.app.adaptation.TrainingJob.Kind;
import io.hyperstream.app.streams.ErrorCode;
import io.hyperstream.schemas.AdaptationAction;
import io.hyperstream.schemas.DeadLetterHeaders;
import io.hyperstream.schemas.LabelEvent;
import io.hyperstream.schemas.TaskKind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Labels")
class LabelTest {
  @TempDir private Path folder;
  private AdaptationFixture app;

  @BeforeEach
  void start() throws Exception {
    app = new AdaptationFixture(folder);
    app.define("mood", "good", "bad");
  }

  @AfterEach
  void stop() {
    app.close();
  }

  private void rejected(LabelEvent.Builder label, ErrorCode code, String... words) {
    app.label(label);
    app.deadLetter(code, words);
    assertThat(app.stored(FewShotProcessor.EXAMPLES)).isZero();
  }

  @Test
  @DisplayName("that can never be right go to the dead letters and never reach the examples")
  void poison() {
    rejected(event("", "a", "good"), ErrorCode.INVALID_LABEL, "task id", "''");
    rejected(event("no/slash", "a", "good"), ErrorCode.INVALID_LABEL, "'no/slash'");
    rejected(event("mood", " \t", "good"), ErrorCode.EMPTY_TEXT, "send some text");
    rejected(
        event("mood", "x".repeat(3_000), "good").setTextPair("y".repeat(3_000)),
        ErrorCode.TEXT_TOO_LONG,
        "6000",
        "5000");
    rejected(
        event("mood", "x".repeat(1_000_000), "good"),
        ErrorCode.REQUEST_TOO_LARGE,
        "max-request-bytes");
    rejected(event("mood", null, "good"), ErrorCode.INVALID_LABEL, "neither text nor requestId");
    rejected(event("mood", "a", " "), ErrorCode.INVALID_LABEL, "label is 1 to 1024");
    rejected(event("mood", "a", "x".repeat(1_025)), ErrorCode.INVALID_LABEL, "got 1025");
    rejected(
        event("mood", "a", "good").setSource("s".repeat(5_000)),
        ErrorCode.INVALID_LABEL,
        "source is at most");
    rejected(
        event("mood", null, "good").setRequestId("r-1"),
        ErrorCode.UNMATCHED_LABEL,
        "hyperstream.adaptation.labels-by-request");
    assertThat(app.trainer.idle()).isTrue();
    assertThat(
            app.meters
                .get("hyperstream.dead.letters")
                .tag("code", ErrorCode.INVALID_LABEL.name())
                .counter()
                .count())
        .isEqualTo(6);
  }

  @Test
  @DisplayName("and commands that nobody can read are dead letters with bytes, headers and origin")
  void undecodable() {
    for (String topic : List.of(app.topics.labels().name(), app.topics.commands().name())) {
      RecordHeaders headers = new RecordHeaders();
      headers.add("traceparent", utf8("00-aa-bb-01"));
      byte[] value = utf8("not avro");
      app.pipe(topic, new TestRecord<>(utf8("my key"), value, headers, START));
      TestRecord<byte[], byte[]> dead = app.deadLetter(ErrorCode.UNDECODABLE, "wire format");
      assertThat(dead.key()).isEqualTo(utf8("my key"));
      assertThat(dead.value()).isEqualTo(value);
      assertThat(dead.getRecordTime()).isEqualTo(START);
      assertThat(header(dead, "traceparent")).isEqualTo("00-aa-bb-01");
      assertThat(header(dead, DeadLetterHeaders.SOURCE_TOPIC)).isEqualTo(topic);
      assertThat(header(dead, DeadLetterHeaders.SOURCE_OFFSET)).isEqualTo("0");
      app.pipe(topic, new TestRecord<>(null, null, START));
      app.deadLetter(ErrorCode.UNDECODABLE, "no value");
    }
  }

  @Test
  @DisplayName("commands with fields outside their limits are dead letters")
  void invalidCommands() {
    app.command(command("two words", AdaptationAction.ADAPT));
    app.deadLetter(ErrorCode.INVALID_COMMAND, "'two words'");
    app.command(command("mood", AdaptationAction.ADAPT).setCommandId(""));
    app.deadLetter(ErrorCode.INVALID_COMMAND, "commandId is 1 to 256");
    app.command(command("mood", AdaptationAction.ADAPT).setReason("x".repeat(10_000)));
    app.deadLetter(ErrorCode.INVALID_COMMAND, "reason is at most");
    assertThat(app.reports()).isEmpty();
  }

  @Test
  @DisplayName(
      "name labels whose accents are characters of their own or not, as the definition may")
  void spellings() {
    app.define("cafe", "caf\u00e9", "the\u0301");
    app.label("cafe", "an espresso", "cafe\u0301");
    app.label("cafe", "a sencha", "th\u00e9");
    assertThat(app.examples("cafe"))
        .containsEntry("an espresso", "caf\u00e9")
        .containsEntry("a sencha", "th\u00e9");
    app.define("cafe", "cafe\u0301", "th\u00e9", "eau");
    assertThat(app.examples("cafe")).hasSize(2);
    assertThat(app.deadLetters()).isEmpty();
  }

  @Test
  @DisplayName("wait for a task that is defined a moment later")
  void waitForTask() {
    app.label("later", "a", "x");
    app.label("later", "b", "y");
    app.wait(Duration.ofMillis(1_900));
    assertThat(app.deadLetters()).isEmpty();
    app.define("later", "x", "y");
    assertThat(app.examples("later")).containsEntry("a", "x").containsEntry("b", "y");
    assertThat(app.stored(FewShotProcessor.WAITING)).isZero();
  }

  @Test
  @DisplayName("wait for a label name that is defined a moment later, in vain for others")
  void waitForLabel() {
    app.label("mood", "a", "odd");
    app.label("mood", "b", "strange");
    app.wait(Duration.ofSeconds(1));
    app.define("mood", "good", "bad", "odd");
    assertThat(app.examples("mood")).containsExactly(Map.entry("a", "odd"));
    app.wait(Duration.ofSeconds(1));
    TestRecord<byte[], byte[]> dead =
        app.deadLetter(
            ErrorCode.UNKNOWN_LABEL, "'mood' has no label 'strange'", "[good, bad, odd]");
    assertThat(header(dead, DeadLetterHeaders.SOURCE_TOPIC)).isEqualTo(app.topics.labels().name());
    assertThat(header(dead, DeadLetterHeaders.SOURCE_OFFSET)).isEqualTo("1");
  }

  @Test
  @DisplayName("for a task nobody defines are dead letters after a while")
  void unknownTask() {
    app.label("nobody", "a", "x");
    assertThat(app.deadLetters()).isEmpty();
    app.wait(Duration.ofSeconds(2));
    app.deadLetter(ErrorCode.UNKNOWN_TASK, "No task 'nobody' is defined");
  }

  @Test
  @DisplayName("wait as long as the definition is on its way, or that cannot be told")
  void definitionAhead() {
    app.definitions.set(DefinitionCheck.Answer.NOT_YET);
    app.label("slow", "a", "x");
    app.command(command("slow", AdaptationAction.EVALUATE));
    app.wait(Duration.ofMinutes(1));
    app.definitions.set(DefinitionCheck.Answer.COMING);
    app.label("slow", "b", "y");
    app.wait(Duration.ofMinutes(1));
    assertThat(app.deadLetters()).isEmpty();
    assertThat(app.reports()).isEmpty();
    assertThat(app.stored(FewShotProcessor.WAITING)).isEqualTo(3);
    app.define("slow", "x", "y");
    assertThat(app.examples("slow")).containsEntry("a", "x").containsEntry("b", "y");

    app.label("slow", "c", "z");
    app.wait(Duration.ofMinutes(1));
    assertThat(app.deadLetters()).isEmpty();
    app.definitions.set(DefinitionCheck.Answer.NONE);
    app.wait(Duration.ofSeconds(3));
    app.deadLetter(ErrorCode.UNKNOWN_LABEL, "'slow' has no label 'z'");
  }

  @Test
  @DisplayName("do not wait where there is no space for more")
  void waitingIsBounded() {
    for (int i = 0; i < 6; i++) {
      app.label("nobody", "text " + i, "x");
    }
    assertThat(app.stored(FewShotProcessor.WAITING)).isEqualTo(5);
    app.deadLetter(ErrorCode.UNKNOWN_TASK);
    app.wait(Duration.ofSeconds(2));
    assertThat(app.deadLetters()).hasSize(5);
    app.label("nobody", "another", "x");
    assertThat(app.deadLetters()).isEmpty();
  }

  @Test
  @DisplayName("that wait are replaced by a later label of the same text")
  void laterOverrulesWaiting() {
    app.label("mood", "a", "odd");
    app.label("mood", "a", "good");
    app.define("mood", "good", "bad", "odd");
    assertThat(app.examples("mood")).containsExactly(Map.entry("a", "good"));
    app.wait(Duration.ofSeconds(3));
    assertThat(app.deadLetters()).isEmpty();
  }

  @Test
  @DisplayName("of tasks that have none, or without the second text they need, are dead letters")
  void unfitting() {
    app.define(task("length").setKind(TaskKind.REGRESSION));
    rejected(event("length", "a", "1"), ErrorCode.INVALID_LABEL, "REGRESSION");
    app.define(task("pair", "same", "other").setTemplate("{text} and {textPair}"));
    rejected(event("pair", "a", "same"), ErrorCode.MISSING_TEXT_PAIR, "textPair");
    app.label(event("pair", "a", "same").setTextPair("b"));
    assertThat(app.examples("pair")).hasSize(1);
  }

  @Test
  @DisplayName("said twice count once, and a later one replaces an earlier")
  void duplicates() {
    app.label("mood", "What a  day", "good");
    app.label("mood", " what a DAY\n", "good");
    assertThat(app.examples("mood")).hasSize(1);
    assertThat(app.state("mood").getSequence()).isEqualTo(1);
    assertThat(app.count("hyperstream.labels.duplicates")).isEqualTo(1);
    app.label("mood", "what a day", "bad");
    assertThat(app.examples("mood")).containsExactly(Map.entry("what a day", "bad"));
    assertThat(app.state("mood").getNewExamples()).isEqualTo(2);
    app.tick();
    assertThat(app.trainer.take().untested()).hasSize(1);
  }

  @Test
  @DisplayName("of a pair are another example than of its first text alone")
  void pairs() {
    app.label("mood", "a", "good");
    app.label(event("mood", "a", "bad").setTextPair("b"));
    app.label(event("mood", "a", "bad").setTextPair("c"));
    assertThat(app.stored(FewShotProcessor.EXAMPLES)).isEqualTo(3);
  }

  @Test
  @DisplayName("without a name take an earlier one back")
  void retracts() {
    app.label("mood", "a", "good");
    app.label("mood", "b", "bad");
    app.label("mood", "A", null);
    assertThat(app.examples("mood")).containsExactly(Map.entry("b", "bad"));
    app.label("mood", "never said", null);
    app.label("mood", "c", "odd");
    app.label("mood", "c", null);
    app.wait(Duration.ofSeconds(3));
    assertThat(app.deadLetters()).isEmpty();
  }

  @Test
  @DisplayName("of one task are in order with its definitions, whatever their keys")
  void order() {
    app.define("mood", "good", "new");
    app.label("mood", "a", "new");
    app.define("mood", "good", "bad");
    assertThat(app.examples("mood")).isEmpty();
    app.label("mood", "b", "bad");
    app.tick();
    TrainingJob job = app.trainer.take();
    assertThat(job.kind()).isEqualTo(Kind.TEST);
    assertThat(job.untested()).hasSize(1);
  }
}
